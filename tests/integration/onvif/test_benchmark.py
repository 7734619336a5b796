"""The measurement of interrogations, small: that it runs and counts rightly, not what it measures."""

import asyncio
import json
import sys
from pathlib import Path


async def test_the_measurement_runs_and_ends_with_one_object(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.devices", "--devices", "12", "--stock", "2", "--no-hang"),
        *("--json", str(tmp_path / "devices.json")),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=Path(__file__).parents[3],
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    told = json.loads(out.decode().splitlines()[-1])
    assert (told["devices"], told["errors"], told["hung_s"]) == (12, 0, None)
    assert told["cpu_s"] > 0
    assert told["stock_ratio"]["cpu_s"] > 1
    results = json.loads((tmp_path / "devices.json").read_text())
    assert results["stock"]["errors"] == {}
    assert results["stock_digest"]["errors"] == {"ONVIFError": 2}, "as shipped it knows no HTTP Digest"
