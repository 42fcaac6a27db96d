"use strict";
// The page of 'fpngraph serve': a text, what is wrong with it, and its picture. All addresses are relative to the secret.

const PAUSE_MS = 150; // without a keystroke, before the text is drawn
const $ = (id) => document.getElementById(id);
const editor = CodeMirror($("text"), { mode: "yaml", lineNumbers: true, indentUnit: 2, tabSize: 2, autofocus: true });
editor.setOption("extraKeys", {
  Tab: (it) => it.execCommand("insertSoftTab"),
  "Ctrl-Space": (it) => it.showHint({ hint: offers, completeSingle: false }),
  "Ctrl-S": save,
  "Cmd-S": save,
});

const now = { name: "", stamp: "", saved: "", end: "\n", preset: "", params: {}, drawing: false, due: false, source: null };
let waiting = 0;
let marks = [];

function say(text, bad = false) {
  $("status").textContent = text;
  $("status").classList.toggle("bad", bad);
  delete $("status").dataset.of;
}

async function asked(address, options) {
  let answer;
  try {
    answer = await fetch(address, options);
  } catch {
    throw new Error("the server does not answer: is 'fpngraph serve' still running?");
  }
  if (!answer.ok) throw new Error(await answer.text());
  return answer;
}

function sending(method, what) {
  return { method, headers: { "content-type": "application/json" }, body: JSON.stringify(what) };
}

function text() {
  return editor.getValue(now.end);
}

function isChanged() {
  return text() !== now.saved;
}

function question() {
  return {
    name: now.name,
    text: text(),
    preset: now.preset,
    params: now.params,
    in_channels: $("channels").value,
    image_size: $("image").value,
  };
}

async function open(name) {
  try {
    const found = await (await asked(`file?name=${encodeURIComponent(name)}`)).json();
    Object.assign(now, { name, stamp: found.stamp, saved: found.text, preset: "", params: {} });
    now.end = found.text.includes("\r\n") ? "\r\n" : "\n";
    editor.setValue(found.text);
    editor.clearHistory();
    $("file").value = name;
    document.title = `${name} - fpngraph`;
    say(found.stamp ? "" : "a new file: it is made when you save it");
    follow(name);
    await draw();
  } catch (error) {
    $("file").value = now.name;
    say(error.message, true);
  }
}

function follow(name) {
  now.source?.close();
  now.source = new EventSource(`saves?name=${encodeURIComponent(name)}`);
  now.source.onmessage = async (event) => {
    const stamp = JSON.parse(event.data);
    if (stamp === now.stamp || name !== now.name) return;
    if (isChanged()) return say(`${name} was saved by another program: what you typed here is not in it`, true);
    const found = await (await asked(`file?name=${encodeURIComponent(name)}`)).json();
    if (name !== now.name || isChanged()) return;
    Object.assign(now, { stamp: found.stamp, saved: found.text });
    const place = editor.getCursor();
    editor.setValue(found.text);
    editor.setCursor(place);
  };
}

async function save() {
  const written = text();
  try {
    const what = { name: now.name, text: written, seen: now.stamp };
    const found = await (await asked("file", sending("PUT", what))).json();
    Object.assign(now, { stamp: found.stamp, saved: written });
    say("saved");
  } catch (error) {
    say(error.message, true);
  }
  $("save").disabled = !isChanged();
}

async function offers(it) {
  const { line, ch } = it.getCursor();
  const asks = { name: now.name, text: it.getValue("\n"), line, column: ch };
  let found = [];
  try {
    found = await (await asked("offered", sending("POST", asks))).json();
  } catch (error) {
    say(error.message, true);
  }
  const start = found.length ? found[0].from : ch;
  const typed = it.getLine(line).slice(start, ch).toLowerCase();
  const fitting = found.filter((offer) => offer.label.toLowerCase().startsWith(typed));
  const list = fitting.map((offer) => ({ text: offer.text, render: (entry) => entry.append(...told(offer)) }));
  return { list, from: { line, ch: start }, to: { line, ch } };
}

function told(offer) {
  const about = document.createElement("small");
  about.textContent = offer.about;
  return [offer.label, about];
}

async function draw() {
  $("save").disabled = !isChanged();
  now.due = true;
  if (now.drawing) return; // one at a time: what is typed meanwhile is drawn next
  now.drawing = true;
  while (now.due) {
    now.due = false;
    const asks = question();
    try {
      const found = await (await asked("drawn", sending("POST", asks))).json();
      if (asks.name === now.name) show(found);
    } catch (error) {
      say(error.message, true);
      $("status").dataset.of = "drawing";
    }
  }
  now.drawing = false;
}

function show(found) {
  showChoices(found);
  showProblems(found.problems);
  $("stale").hidden = found.picture !== null || !$("picture").firstChild;
  if (found.picture === null) return;
  showPicture(found.picture);
  if ($("status").dataset.of === "drawing") say("");
}

function showPicture(number) {
  const frame = document.createElement("iframe");
  frame.title = "The picture";
  frame.className = "coming";
  frame.setAttribute("sandbox", "allow-scripts");
  frame.addEventListener("load", () => {
    while ($("picture").firstChild !== frame) $("picture").firstChild.remove();
    frame.className = "";
    document.body.dataset.picture = number;
  });
  frame.src = `picture/${number}`;
  $("picture").append(frame);
}

function showProblems(problems) {
  for (const mark of marks) mark.clear();
  marks = [];
  $("problems").replaceChildren();
  for (const problem of problems) {
    const place = problem.line === null ? null : { line: problem.line - 1, ch: units(problem.line, problem.column) };
    if (place) {
      const end = { line: place.line, ch: Math.max(units(problem.line, problem.end), place.ch + 1) };
      marks.push(editor.markText(place, end, { className: `found-${problem.severity}` }));
    }
    $("problems").append(item(problem, place));
  }
}

function units(line, column) {
  // the server counts characters, the editor units of UTF-16
  return [...(editor.getLine(line - 1) ?? "")].slice(0, column - 1).join("").length;
}

function item(problem, place) {
  const button = document.createElement("button");
  button.type = "button";
  const where = document.createElement("b");
  where.textContent = place ? `${problem.line}:${problem.column} ` : "";
  button.append(where, `${problem.message} [${problem.code}]`);
  if (problem.hint) {
    const hint = document.createElement("small");
    hint.textContent = `hint: ${problem.hint}`;
    button.append(hint);
  }
  button.addEventListener("click", () => {
    if (place) editor.setCursor(place);
    editor.focus();
  });
  const entry = document.createElement("li");
  entry.className = problem.severity;
  entry.append(button);
  if (problem.better) entry.append(mender(problem.better));
  return entry;
}

function mender(better) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "mend" });
  button.textContent = better.text ? `Write ${better.text}` : "Leave it out";
  button.addEventListener("click", () => {
    const [start, end] = [better.column, better.end].map((column) => units(better.line, column));
    editor.replaceRange(better.text, { line: better.line - 1, ch: start }, { line: better.line - 1, ch: end });
    editor.focus();
  });
  return button;
}

function showChoices(found) {
  if (!found.presets.includes(now.preset) && found.picture !== null) now.preset = "";
  $("preset").replaceChildren(...["", ...found.presets].map((name) => new Option(name || "none", name)));
  $("preset").value = now.preset;
  $("preset").disabled = !found.presets.length;
  const there = new Map([...$("params").querySelectorAll("input")].map((input) => [input.name, input]));
  const wanted = Object.keys(found.params);
  $("more").hidden = !wanted.length;
  if (wanted.join(" ") !== [...there.keys()].join(" ")) {
    $("params").replaceChildren(...wanted.map((name) => labelled(name)));
  }
  for (const input of $("params").querySelectorAll("input")) input.placeholder = found.params[input.name];
}

function labelled(name) {
  const input = document.createElement("input");
  Object.assign(input, { name, size: 12, autocomplete: "off", value: now.params[name] ?? "" });
  input.addEventListener("input", () => {
    if (input.value.trim()) now.params[name] = input.value;
    else delete now.params[name];
    soon();
  });
  const label = document.createElement("label");
  label.append(`${name} `, input);
  return label;
}

async function write(ending) {
  try {
    const content = await (await asked("exported", sending("POST", { ...question(), ending }))).blob();
    const link = document.createElement("a");
    link.href = URL.createObjectURL(content);
    link.download = now.name.split("/").pop().replace(/\.ya?ml$/, "") + ending;
    link.click();
    URL.revokeObjectURL(link.href);
    say(`wrote ${link.download} into your downloads`);
  } catch (error) {
    say(error.message, true);
  }
}

function soon() {
  clearTimeout(waiting);
  waiting = setTimeout(draw, PAUSE_MS);
}

async function start() {
  const found = await (await asked("files")).json();
  $("file").replaceChildren(...found.names.map((name) => new Option(name, name)));
  $("channels").value = found.in_channels;
  for (const ending of found.formats) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: ending.slice(1), id: `export-${ending.slice(1)}` });
    button.addEventListener("click", () => write(ending));
    $("formats").append(" ", button);
  }
  await open(found.first);
  editor.on("change", soon);
}

$("save").addEventListener("click", save);
$("choices").addEventListener("submit", (event) => event.preventDefault());
$("preset").addEventListener("change", () => {
  now.preset = $("preset").value;
  draw();
});
for (const id of ["channels", "image"]) $(id).addEventListener("input", soon);
$("file").addEventListener("change", () => {
  const name = $("file").value;
  if (isChanged() && !confirm(`${now.name} is not saved. Leave it?`)) $("file").value = now.name;
  else open(name);
});
addEventListener("beforeunload", (event) => {
  if (isChanged()) event.preventDefault();
});
start().catch((error) => say(error.message, true));
