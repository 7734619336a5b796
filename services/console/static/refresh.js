// Keeps a page fresh: loads it again every few seconds and brings the marked regions up to date in place, so that
// focus, scrolling, open details and a running live view stay. When the centre does not answer, the page says so.
"use strict";
(() => {
  const regions = () => [...document.querySelectorAll("[data-refresh]")];
  const every_s = Math.min(...regions().map((region) => Number(region.dataset.refresh)));
  const patience_ms = 10_000;
  let timer = 0;
  let busy = false;

  // Attributes that belong to the browser or to live.js and never come from the server.
  const OURS = new Set(["data-state", "data-paused", "data-open", "open", "hidden"]);

  function sync(was, now) {
    if (was.nodeType !== now.nodeType || was.nodeName !== now.nodeName || was.id !== now.id) {
      was.replaceWith(now);
      return;
    }
    if (was.nodeType !== Node.ELEMENT_NODE) {
      if (was.nodeValue !== now.nodeValue) was.nodeValue = now.nodeValue;
      return;
    }
    if (was.hasAttribute("data-keep")) return;
    for (const { name } of [...was.attributes]) {
      if (!OURS.has(name) && !now.hasAttribute(name)) was.removeAttribute(name);
    }
    for (const { name, value } of now.attributes) {
      if (!OURS.has(name) && was.getAttribute(name) !== value) was.setAttribute(name, value);
    }
    const before = [...was.childNodes];
    const after = [...now.childNodes];
    after.forEach((child, index) => {
      if (index < before.length) sync(before[index], child);
      else was.append(child);
    });
    before.slice(after.length).forEach((child) => child.remove());
  }

  function tellStale(stale) {
    const line = document.getElementById("as-of");
    line.classList.toggle("is-stale", stale);
    const words = line.querySelector("a").firstChild;
    line.dataset.fresh ??= words.nodeValue;
    words.nodeValue = stale ? `${line.dataset.stale} ` : line.dataset.fresh;
  }

  async function load() {
    const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(patience_ms) });
    if (answer.redirected || answer.status === 404) {
      location.reload(); // the session is over, or what the page shows is gone
      return;
    }
    if (!answer.ok) throw new Error(`answer ${answer.status}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const region of regions()) {
      const fresh = page.getElementById(region.id);
      if (fresh) sync(region, document.importNode(fresh, true));
    }
    const asOf = page.querySelector("#as-of time");
    const shown = document.querySelector("#as-of time");
    if (asOf && shown) {
      shown.dateTime = asOf.dateTime;
      shown.textContent = asOf.textContent;
    }
  }

  async function refresh() {
    clearTimeout(timer);
    if (busy || document.hidden) return;
    busy = true;
    try {
      await load();
      tellStale(false);
    } catch {
      tellStale(true);
    } finally {
      busy = false;
      timer = setTimeout(refresh, every_s * 1000);
    }
  }

  if (!regions().length) return;
  document.addEventListener("visibilitychange", refresh);
  addEventListener("offline", refresh);
  addEventListener("online", refresh);
  timer = setTimeout(refresh, every_s * 1000);
})();
