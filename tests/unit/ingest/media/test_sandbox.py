"""What a media process inherits."""

from services.ingest.media.sandbox import environment


def test_only_harmless_variables_are_inherited() -> None:
    inherited = {
        "PATH": "/usr/bin",
        "LANG": "C.UTF-8",
        "VONGGAC_API_KEY": "vg_secret",
        "VONGGAC_DATABASE_URL": "postgresql://user:password@host/db",
        "https_proxy": "http://proxy",
        "LD_PRELOAD": "/tmp/evil.so",
        "PYTHONSTARTUP": "/tmp/evil.py",
    }

    kept = environment(inherited, "/srv/app")

    assert kept.pop("MALLOC_ARENA_MAX") == "2"
    assert kept.pop("MALLOC_MMAP_THRESHOLD_") == "131072"
    assert kept.pop("PYTHONFAULTHANDLER") == "1"
    assert kept == {"PATH": "/usr/bin", "LANG": "C.UTF-8", "PYTHONPATH": "/srv/app"}
