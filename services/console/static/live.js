// The live view: a small HLS player for our own playlists (one fMP4 variant, segments of about a second) by Media
// Source Extensions, with the browser's own HLS where that is missing, and the buttons that open and close it.
"use strict";
(() => {
  const HLS = "application/vnd.apple.mpegurl";
  const BEHIND_S = 2; // how far behind the newest picture playing begins
  const TOO_FAR_S = 7; // further behind than this, it jumps forward
  const KEPT_S = 20; // played seconds that are kept
  const STILL_S = 4; // without a new segment for so long, what is seen is not called live any more
  const SILENT_S = 15; // without a new segment for so long, the view is opened anew
  const PATIENCE_MS = 20_000;
  const OPEN_MAX = 4;

  class Over extends Error {
    // The end: trying again would not help. `state` names a text of the page unless `message` has one.
    constructor(state, message = "") {
      super(message);
      this.state = state;
    }
  }

  const sleep = (ms, signal) =>
    new Promise((done, stopped) => {
      const cut = () => { clearTimeout(timer); stopped(signal.reason); };
      const timer = setTimeout(() => { signal.removeEventListener("abort", cut); done(); }, ms);
      signal.addEventListener("abort", cut, { once: true });
    });

  const happened = (target, name, signal) =>
    new Promise((done, failed) => {
      const clean = new AbortController();
      const end = (settle) => (event) => { clean.abort(); settle(event); };
      target.addEventListener(name, end(done), { signal: clean.signal });
      target.addEventListener("error", end(() => failed(new Error("the browser refused the media"))), { signal: clean.signal });
      signal.addEventListener("abort", end(() => failed(signal.reason)), { signal: clean.signal });
    });

  function readVariant(text, base) {
    const lines = text.split("\n");
    const at = lines.findIndex((line) => line.startsWith("#EXT-X-STREAM-INF:"));
    const codecs = /CODECS="([^"]+)"/.exec(lines[at] ?? "");
    if (!codecs) throw new Error("not a playlist of ours");
    return { type: `video/mp4; codecs="${codecs[1]}"`, url: new URL(lines[at + 1], base).href };
  }

  function readMedia(text, base) {
    let index = 0, map = null, target_s = 1;
    const segments = [];
    for (const line of text.split("\n")) {
      const [tag, value] = line.startsWith("#") ? line.split(/:(.*)/s) : ["", ""];
      if (tag === "#EXT-X-MEDIA-SEQUENCE") index = Number(value);
      else if (tag === "#EXT-X-TARGETDURATION") target_s = Number(value);
      else if (tag === "#EXT-X-MAP") map = new URL(/URI="([^"]+)"/.exec(value)[1], base).href;
      else if (line && !line.startsWith("#")) segments.push({ index: index++, map, url: new URL(line, base).href });
    }
    return { target_s, segments };
  }

  class Player {
    constructor(video, ask, tell) {
      this.video = video;
      this.ask = ask;
      this.tell = tell;
      this.stopping = new AbortController();
    }

    stop() {
      this.stopping.abort(new Error("stopped"));
    }

    async run() {
      const stop = this.stopping.signal;
      for (let failures = 0; !stop.aborted; failures += 1) {
        const began = performance.now();
        try {
          if (!failures) this.tell("connecting"); // later, what was told last still stands
          await this.view();
        } catch (error) {
          if (stop.aborted) break;
          if (error instanceof Over) {
            this.tell(error.state, error.message);
            break;
          }
          if (performance.now() - began > 30_000) failures = 0;
          this.tell("waiting", error.told ?? "");
          const pause_ms = Math.min(15_000, 1000 * 2 ** failures) * (0.75 + Math.random() / 2);
          await sleep(pause_ms, stop).catch(() => {});
        }
      }
      this.video.removeAttribute("src");
      this.video.load();
    }

    async view() {
      const link = await this.ask(this.stopping.signal);
      const variant = readVariant(await (await this.get(link)).text(), link);
      if (globalThis.MediaSource?.isTypeSupported(variant.type)) return this.feed(variant);
      if (this.video.canPlayType(HLS) && this.video.canPlayType(variant.type)) return this.leave(link);
      throw new Over("unsupported");
    }

    async get(url) {
      const timeout = AbortSignal.timeout(PATIENCE_MS);
      const answer = await fetch(url, { cache: "no-store", signal: AbortSignal.any([timeout, this.stopping.signal]) });
      if (answer.ok) return answer;
      if (answer.status === 403) throw new Over("ended");
      const error = new Error(`answer ${answer.status}`);
      error.gone = answer.status === 404;
      throw error;
    }

    async leave(link) {
      // The browser plays HLS by itself; it tells us only when it fails.
      const stop = this.stopping.signal;
      this.video.src = link;
      await happened(this.video, "loadeddata", stop);
      this.tell("playing");
      await Promise.race([happened(this.video, "ended", stop), happened(this.video, "emptied", stop)]);
      throw new Error("playing ended");
    }

    async feed({ type, url }) {
      const stop = this.stopping.signal;
      const source = new MediaSource();
      const address = URL.createObjectURL(source);
      try {
        this.video.src = address;
        await happened(source, "sourceopen", stop);
      } finally {
        URL.revokeObjectURL(address);
      }
      const buffer = source.addSourceBuffer(type);
      // Segments follow one another whatever their timestamps, which begin anew at every discontinuity.
      buffer.mode = "sequence";
      let next = -1, map = null, fresh_at = performance.now();
      this.started = false;
      for (;;) {
        if (this.started && this.video.paused && this.lag(buffer) > KEPT_S) {
          // Somebody paused: load nothing until playing goes on, at the newest picture.
          next = -1;
          fresh_at = performance.now();
          await sleep(500, stop);
          continue;
        }
        const { target_s, segments } = readMedia(await (await this.get(url)).text(), url);
        if (next > (segments.at(-1)?.index ?? 0) + 1) next = -1; // the muxer began anew
        const fresh = segments.filter((segment) => segment.index >= next);
        for (const segment of next < 0 ? fresh.slice(-2) : fresh) {
          if (segment.map !== map) {
            await this.append(buffer, await this.bytes(segment.map));
            map = segment.map;
          }
          next = segment.index + 1;
          const data = await this.bytes(segment.url);
          if (data) await this.append(buffer, data);
          await this.steer(buffer);
          fresh_at = performance.now();
        }
        const silent_ms = performance.now() - fresh_at;
        if (silent_ms > SILENT_S * 1000) throw new Error("no new segment");
        if (silent_ms > STILL_S * 1000) this.tell("still");
        await sleep(Math.max(300, target_s * 500), stop);
      }
    }

    async bytes(url) {
      try {
        return await (await this.get(url)).arrayBuffer();
      } catch (error) {
        if (error.gone) return null; // we were too slow; the next one is there
        throw error;
      }
    }

    async append(buffer, data) {
      buffer.appendBuffer(data);
      await happened(buffer, "updateend", this.stopping.signal);
    }

    lag(buffer) {
      const { buffered } = buffer;
      return buffered.length ? buffered.end(buffered.length - 1) - this.video.currentTime : 0;
    }

    async steer(buffer) {
      const { video } = this;
      const { buffered } = buffer;
      if (!video.isConnected) this.stop(); // the camera left the page
      if (!buffered.length) return;
      const first = buffered.start(0), newest = buffered.end(buffered.length - 1);
      const lag_s = this.lag(buffer);
      const outside = video.currentTime < buffered.start(buffered.length - 1) || lag_s < 0;
      if (outside || (lag_s > TOO_FAR_S && !video.paused)) video.currentTime = Math.max(first, newest - BEHIND_S);
      video.playbackRate = lag_s > BEHIND_S + 2 && lag_s <= TOO_FAR_S ? 1.1 : 1;
      if (video.currentTime - first > KEPT_S * 1.5) {
        buffer.remove(0, video.currentTime - KEPT_S);
        await happened(buffer, "updateend", this.stopping.signal);
      }
      if (!this.started) {
        this.started = true;
        video.play().catch(() => {}); // a browser that forbids autoplay shows its own play button
      }
      this.tell("playing");
    }
  }

  const token = document.querySelector("meta[name=csrf-token]").content;
  const open = new Map(); // id of a view → its player, in the order in which they were opened

  function ask(path) {
    return async (signal) => {
      const answer = await fetch(path, {
        method: "POST",
        headers: { "X-CSRF-Token": token },
        signal: AbortSignal.any([AbortSignal.timeout(PATIENCE_MS), signal]),
      });
      const told = await answer.json().catch(() => ({}));
      if (answer.ok) return new URL(told.url, location.href).href;
      if (answer.status === 401 || answer.status === 403) throw new Over("failed", told.error);
      throw Object.assign(new Error(`answer ${answer.status}`), { told: told.error });
    };
  }

  function watch(view) {
    const video = view.querySelector("video");
    const note = view.querySelector(".view-note");
    const button = document.querySelector(`[data-live-for="${view.id}"]`);
    let player;
    const tell = (state, message = "") => {
      if (open.get(view.id) !== player) return;
      view.dataset.state = state;
      video.hidden = state !== "playing" && state !== "still";
      const text = state === "playing" ? "" : message || view.dataset[state];
      if (note.textContent !== text) note.textContent = text;
    };
    video.onpause = () => view.setAttribute("data-paused", "");
    video.onplaying = () => view.removeAttribute("data-paused");
    player = new Player(video, ask(view.dataset.live), tell);
    player.closed = () => {
      open.delete(view.id);
      video.hidden = true;
      button.removeAttribute("data-open");
    };
    while (open.size >= OPEN_MAX) close([...open.keys()][0]);
    open.set(view.id, player);
    button.setAttribute("data-open", "");
    player.run().finally(() => {
      if (open.get(view.id) === player) player.closed(); // it ended by itself; its last note stays
    });
  }

  function close(id) {
    const player = open.get(id);
    player.closed();
    player.stop();
    const view = document.getElementById(id);
    view?.removeAttribute("data-state");
    if (view) view.querySelector(".view-note").textContent = "";
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-live-for]");
    if (!button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const id = button.dataset.liveFor;
    if (open.has(id)) close(id);
    else watch(document.getElementById(id));
  });
  addEventListener("pagehide", () => [...open.keys()].forEach(close));
  if (location.hash === "#live") document.querySelector("main [data-live-for]")?.click();
})();
