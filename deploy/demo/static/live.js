// Follows /events and keeps the table as the application sees it. Every text goes in as
// textContent: a value is never markup.
"use strict";

const FLASH_MS = 3000;
const byId = (id) => document.getElementById(id);
const rows = new Map(); // key -> {row, text}
let loaded = false;

function kindOf(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return "list";
  return typeof value;
}

function cell(className, text) {
  const td = document.createElement("td");
  td.className = className;
  td.textContent = text;
  return td;
}

function flash(element) {
  clearTimeout(element.flashing);
  element.classList.remove("changed");
  void element.offsetWidth; // Or the animation would not start over.
  element.classList.add("changed");
  element.flashing = setTimeout(() => element.classList.remove("changed"), FLASH_MS);
}

function fill(row, key, value) {
  row.dataset.key = key;
  row.dataset.kind = kindOf(value);
  row.replaceChildren(cell("key", key), cell("value", JSON.stringify(value)), cell("kind", kindOf(value)));
}

function show(state) {
  let changes = 0;
  for (const [key, known] of rows) {
    if (!Object.hasOwn(state.values, key)) {
      known.row.remove();
      rows.delete(key);
      changes++;
    }
  }
  const body = byId("rows");
  let next = body.firstElementChild;
  for (const key of Object.keys(state.values).sort()) {
    const value = state.values[key];
    const text = JSON.stringify(value);
    let known = rows.get(key);
    if (!known) {
      known = { row: document.createElement("tr"), text: undefined };
      rows.set(key, known);
      body.insertBefore(known.row, next);
    } else {
      next = known.row.nextElementSibling;
    }
    if (known.text !== text) {
      known.text = text;
      fill(known.row, key, value);
      changes++;
      if (loaded) flash(known.row);
    }
  }
  showHead(state, changes);
  loaded = true;
}

function showHead(state, changes) {
  byId("namespace").textContent = state.namespace;
  byId("environment").textContent = state.environment;
  showStatus(state.status);
  byId("note").textContent = state.problem;
  byId("note").hidden = !state.problem;
  byId("empty").hidden = rows.size > 0;
  byId("count").textContent = rows.size === 1 ? "1 key" : `${rows.size} keys`;
  const size = byId("pool-size");
  const text = String(state.pool_size);
  if (loaded && size.textContent !== text) flash(size.parentElement);
  size.textContent = text;
  if (loaded && changes) byId("changed").textContent = `last change ${new Date().toLocaleTimeString()}`;
}

function showStatus(status) {
  byId("status").textContent = status;
  byId("status").dataset.status = status;
}

const events = new EventSource("/events");
events.onmessage = (event) => show(JSON.parse(event.data));
events.onerror = () => showStatus("OFFLINE"); // The browser connects again by itself.
