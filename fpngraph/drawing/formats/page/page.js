"use strict";
(() => {
  const [stage, card, status, about, search, inside] =
    ["stage", "card", "status", "about", "search", "inside"].map((id) => document.getElementById(id));
  const picture = stage.querySelector("svg");
  const nodes = new Map([...picture.querySelectorAll(".node")].map((node) => [node.dataset.node, node]));
  const lines = [...picture.querySelectorAll(".edge, .stub")];
  for (const line of lines) line.style.setProperty("--width", line.getAttribute("stroke-width"));
  const links = lines.map((line) => ({ group: line.parentNode, ...line.dataset })); // with from, and to or output
  const SLOP = 4; // px that a pointer may travel in a click
  const [STEP, SMALLEST, LARGEST] = [1.25, 0.4, 16];

  // What a node does. The card tells what the title would, so that the browser's own tooltip has to go.
  for (const node of nodes.values()) node.querySelector("title")?.remove();
  const factsOf = (name) => nodes.get(name).getAttribute("aria-label").slice(name.length + 2).split("; ");
  let shown = null;

  function show(node) {
    if (shown !== node) {
      const name = node?.dataset.node;
      const lines = node ? [name, ...factsOf(name)] : [];
      card.replaceChildren(...lines.map((line) => Object.assign(document.createElement("p"), { textContent: line })));
      for (const link of links) link.group.classList.toggle("near", !!node && [link.from, link.to].includes(name));
    }
    shown = node;
    card.hidden = !node;
    if (!node) return;
    const [at, size] = [node.getBoundingClientRect(), card.getBoundingClientRect()];
    const right = at.right + 12;
    const left = right + size.width < innerWidth - 8 ? right : at.left - 12 - size.width;
    card.style.left = `${Math.max(left, 8)}px`;
    card.style.top = `${Math.max(Math.min(at.top - 6, innerHeight - size.height - 8), 8)}px`;
  }

  // What it depends on, and what depends on it.
  let chosen = null;
  let limited = false;
  const cellOf = (name) => name.slice(0, Math.max(name.lastIndexOf("."), 0));

  function reach(start, from, to) {
    const found = new Set([start]);
    for (const name of found) // also visits what is added on the way
      for (const link of links)
        if (link[from] === name && nodes.has(link[to]) && (!limited || cellOf(link[to]) === cellOf(start)))
          found.add(link[to]);
    return found;
  }

  function mark(name, within) {
    [chosen, limited] = [name, within];
    const before = name === null ? new Set() : reach(name, "to", "from");
    const after = name === null ? new Set() : reach(name, "from", "to");
    picture.classList.toggle("marking", name !== null);
    for (const [other, node] of nodes) {
      node.classList.toggle("chosen", other === name);
      node.classList.toggle("before", other !== name && before.has(other));
      node.classList.toggle("after", other !== name && after.has(other));
      node.setAttribute("aria-pressed", other === name);
    }
    for (const { group, from, to } of links) // with edges that come into the cell, to show where it begins
      group.classList.toggle("on", before.has(to) || (after.has(from) && (to === undefined || after.has(to))));
    about.textContent = name === null ? "" : factsOf(name).join(" \u00b7 ");
    status.value = name === null ? "" : sentence(before.size - 1, after);
  }

  function sentence(before, after) {
    const outputs = links.filter((link) => link.output && after.has(link.from)).map((link) => link.output);
    const place = limited ? `Within ${cellOf(chosen) || "its cell"}: ` : "";
    const reached = outputs.length ? `, reaches ${outputs.join(", ")}` : "";
    return `${place}${chosen} depends on ${before} (solid), is needed by ${after.size - 1} (dashed)${reached}.`;
  }

  function choose(name, shift) {
    const within = inside.checked !== shift;
    find("");
    mark(name === chosen && within === limited ? null : name, within);
    show(null);
  }

  // Nodes by name: the others fade, and Tab leaves them out.
  function find(text) {
    if (search.value !== text) search.value = text;
    const wanted = text.trim().toLowerCase();
    if (wanted) mark(null, false);
    picture.classList.toggle("searching", wanted !== "");
    let count = 0;
    for (const [name, node] of nodes) {
      const found = name.toLowerCase().includes(wanted);
      count += found;
      node.classList.toggle("found", wanted !== "" && found);
      node.tabIndex = found ? 0 : -1;
    }
    if (wanted || chosen === null) status.value = wanted ? `${count} of ${nodes.size} nodes match.` : "";
  }

  // The view: a shift in pixels and a scale, both of the picture as it fits the stage.
  let [x, y, scale] = [0, 0, 1];

  function view(left, top, size) {
    const { width, height } = stage.getBoundingClientRect();
    const kept = (at, room) => Math.min(Math.max(at, room * (0.2 - size)), room * 0.8);
    [x, y, scale] = [kept(left, width), kept(top, height), size];
    picture.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    if (shown) show(shown);
  }

  function zoom(factor, clientX, clientY) {
    const { left, top, width, height } = stage.getBoundingClientRect();
    const [atX, atY] = [(clientX ?? left + width / 2) - left, (clientY ?? top + height / 2) - top];
    const by = Math.min(Math.max(scale * factor, SMALLEST), LARGEST) / scale;
    view(atX - (atX - x) * by, atY - (atY - y) * by, scale * by);
  }

  const fit = () => view(0, 0, 1);
  const pan = (dx, dy) => view(x + dx, y + dy, scale);

  function reveal(node) {
    const [at, room] = [node.getBoundingClientRect(), stage.getBoundingClientRect()];
    const off = (low, high, from, to) => (low < from || high > to ? (from + to - low - high) / 2 : 0);
    pan(off(at.left, at.right, room.left, room.right), off(at.top, at.bottom, room.top, room.bottom));
  }

  // Pointers: one moves, two zoom.
  const pointers = new Map();
  let travelled = 0;

  function grip() {
    const [[ax, ay], [bx, by] = [ax, ay]] = [...pointers.values()];
    return { x: (ax + bx) / 2, y: (ay + by) / 2, spread: Math.hypot(ax - bx, ay - by) || 1 };
  }

  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    if (!pointers.size) travelled = 0;
    pointers.set(event.pointerId, [event.clientX, event.clientY]);
  });
  stage.addEventListener("pointermove", (event) => {
    if (!event.buttons) pointers.delete(event.pointerId); // let go outside of the window
    if (!pointers.has(event.pointerId)) return;
    const before = grip();
    const [fromX, fromY] = pointers.get(event.pointerId);
    travelled += Math.hypot(event.clientX - fromX, event.clientY - fromY);
    pointers.set(event.pointerId, [event.clientX, event.clientY]);
    const after = grip();
    if (travelled < SLOP) return;
    stage.setPointerCapture(event.pointerId);
    stage.classList.add("moving");
    show(null);
    pan(after.x - before.x, after.y - before.y);
    zoom(after.spread / before.spread, after.x, after.y);
  });
  for (const end of ["pointerup", "pointercancel"])
    stage.addEventListener(end, (event) => {
      pointers.delete(event.pointerId);
      if (!pointers.size) stage.classList.remove("moving");
    });
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode ? 30 : 1); // lines where a browser counts in them
    const speed = event.ctrlKey ? 0.01 : 0.0015; // a trackpad's pinch comes with ctrl, in small steps
    zoom(Math.exp(-pixels * speed), event.clientX, event.clientY);
  }, { passive: false });
  stage.addEventListener("click", (event) => {
    if (travelled >= SLOP && event.detail) return; // the end of a drag; a screen reader's click has no detail
    const node = event.target.closest(".node");
    if (node) choose(node.dataset.node, event.shiftKey);
    else mark(null, false);
  });
  stage.addEventListener("dblclick", (event) => { if (!event.target.closest(".node")) fit(); });

  const focused = () => [...nodes.values()].find((node) => node.matches(":focus-visible")) ?? null;
  for (const node of nodes.values()) {
    node.addEventListener("pointerenter", () => { if (!pointers.size || travelled < SLOP) show(node); });
    node.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") show(focused()); });
    node.addEventListener("focus", () => { if (node.matches(":focus-visible")) { reveal(node); show(node); } });
    node.addEventListener("blur", () => show(null));
  }

  const keys = {
    "/": () => search.focus(), "0": fit, "+": () => zoom(STEP), "=": () => zoom(STEP), "-": () => zoom(1 / STEP),
    ArrowLeft: () => pan(60, 0), ArrowRight: () => pan(-60, 0), ArrowUp: () => pan(0, 60), ArrowDown: () => pan(0, -60),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const node = event.target.closest(".node");
    if (event.key === "Escape") { find(""); mark(null, false); show(null); }
    else if (event.target === search) {
      if (event.key === "Enter") picture.querySelector(".found")?.focus();
    } else if (node && ["Enter", " "].includes(event.key)) {
      event.preventDefault();
      choose(node.dataset.node, event.shiftKey);
    } else if (Object.hasOwn(keys, event.key)) {
      event.preventDefault();
      keys[event.key]();
    }
  });
  search.addEventListener("input", () => find(search.value));
  inside.addEventListener("change", () => { if (chosen !== null) mark(chosen, inside.checked); });
  document.getElementById("limit").hidden = picture.querySelectorAll(".cell").length < 2;
  for (const [id, act] of [["smaller", () => zoom(1 / STEP)], ["larger", () => zoom(STEP)], ["whole", fit]])
    document.getElementById(id).addEventListener("click", act);
})();
