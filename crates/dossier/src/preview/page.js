"use strict";

const element = (id) => document.getElementById(id);

let loads = 0;

/**
 * Shows a page again in its frame without losing the place that was read. Each time by a new
 * address: a viewer of PDFs does not load again what it has by the same one.
 */
function reload(frame, path, fragment = "") {
  const inside = frame.contentWindow;
  let top = 0;
  try {
    top = inside.scrollY;
  } catch {
    // A viewer of PDFs does not tell.
  }
  frame.addEventListener(
    "load",
    () => {
      try {
        frame.contentWindow.scrollTo(0, top);
      } catch {
        // Nor can it be told.
      }
    },
    { once: true },
  );
  loads += 1;
  frame.src = `${path}?${loads}${fragment}`;
}

function problemItem(problem) {
  const item = document.createElement("li");
  item.className = problem.severity;
  const part = (name, text) => {
    const span = document.createElement("span");
    span.className = name;
    span.textContent = text;
    item.append(span, " ");
  };
  part("place", problem.line === null ? "" : `${problem.line}:${problem.column}`);
  part("severity", problem.severity);
  part("text", problem.text);
  return item;
}

function counted(count, one) {
  return `${count} ${one}${count === 1 ? "" : "s"}`;
}

/** The number of the preview that is shown, of those that this run of the program made. */
let shown = 0;

const timeOf = (milliseconds) => new Date(milliseconds).toLocaleTimeString();

/** What is shown and what is being made, in words. */
function described(state) {
  const made = state.hasPdf ? "Made" : "Could not be made";
  if (state.makingSince === null) {
    return `${made} at ${timeOf(state.madeAt)}. Save a file to see it anew.`;
  }
  const making = `Making… since ${timeOf(state.makingSince)}.`;
  if (state.madeAt === null) return making;
  return `${making} What is shown is older: ${made.toLowerCase()} at ${timeOf(state.madeAt)}.`;
}

async function show() {
  const state = await (await fetch("/state")).json();
  element("state").textContent = described(state);
  if (state.number <= shown) return;
  shown = state.number;
  const problems = state.problems;
  element("problems").hidden = problems.length === 0;
  element("problems-title").textContent = counted(problems.length, "problem");
  element("problem-list").replaceChildren(...problems.map(problemItem));
  // What cannot be made any more stays in sight, greyed.
  element("html").parentElement.classList.toggle("stale", !state.hasHtml);
  element("pdf").parentElement.classList.toggle("stale", !state.hasPdf);
  if (state.hasHtml) reload(element("html"), "/section.html");
  if (state.hasPdf) {
    // Without a template there is no HTML to show.
    element("html").parentElement.hidden = !state.hasHtml;
    const [first, all] = state.pages;
    reload(element("pdf"), "/section.pdf", `#page=${first}&navpanes=0&view=FitH`);
    element("pages").textContent = `as it is printed: from page ${first} of ${all}`;
  }
  document.title = `${problems.length > 0 ? `(${problems.length}) ` : ""}Section preview – Dossier`;
}

const events = new EventSource("/events");
events.onopen = () => {
  shown = 0;
};
/** One look after the other, so that the last one told is the last one shown. */
let looks = Promise.resolve();
events.onmessage = () => {
  looks = looks.then(show, show);
};
events.onerror = () => {
  element("state").textContent = "dossier render has stopped; start it again.";
};
