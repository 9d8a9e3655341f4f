// <form id="editor" data-autosave>: a draft saves itself from the first key on.
//
// Each sending says which page it comes from, and the how-manieth it is: so a draft is made once, and what
// arrives late is told from what another person changed. The hidden field "seen" says what the fields held
// when they were shown, so that two people at one draft keep what each of them changed; where both changed
// the same, they are asked.
const form = document.getElementById("editor");
const FIRST_MS = 300;
const PAUSE_TYPING_MS = 1200;
const PAUSE_CHOICE_MS = 250;
const RETRY_MS = 5000;
const GIVE_UP_MS = 15000;

const state = document.getElementById("save-state");
const say = (text, { trouble = false, link = "" } = {}) => {
  // Said again, a link in it would slip away under the mouse.
  if (link && state.textContent.startsWith(text)) return;
  state.textContent = text;
  state.classList.toggle("trouble", trouble);
  if (link) {
    const login = Object.assign(document.createElement("a"), { href: link, target: "_blank", textContent: "Log in", className: "link" });
    state.append(" ", login);
  }
  if (!trouble) return;
  // Leaving now would lose something (unsaved.js).
  form.toggleAttribute("data-warn", true);
  form.dispatchEvent(new CustomEvent("input", { bubbles: true, detail: OURS }));
};
// An input event that is no typing.
const OURS = "ours";

if (form.hasAttribute("data-autosave")) {
  const page = form.elements.namedItem("page");
  const seen = form.elements.namedItem("seen");
  const clashes = document.getElementById("clashes");
  const key = page.value.split(":")[0];
  let sendings = 0;
  let timer = 0;
  // Typed since the last sending; a sending is under way, and survives the page; one was never answered.
  let dirty = false;
  let busy = false;
  let outlives = false;
  let unanswered = false;
  let isOver = false;
  let isLoggedOut = false;
  let submitted = false;
  let waiting = null;

  const number = () => {
    page.value = `${key}:${++sendings}`;
  };
  const mark = (name, isSet) => {
    form.querySelector(`[type="hidden"][name="${name}"]`)?.remove();
    if (isSet) form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value: "1" }));
  };
  const later = (delay) => {
    clearTimeout(timer);
    if (!isOver && !submitted) timer = setTimeout(save, delay);
  };
  const typed = (delay) => {
    if (isOver || submitted) return;
    dirty = true;
    if (!busy && !isLoggedOut) say("Not saved yet…");
    later(sendings ? delay : FIRST_MS);
  };

  async function save({ settle = "", keepalive = false } = {}) {
    if ((busy && !keepalive) || submitted || isOver) return;
    clearTimeout(timer);
    number();
    mark("unanswered", busy || unanswered);
    const sent = new FormData(form);
    sent.set("then", "autosave");
    if (settle) sent.set("settle", settle);
    dirty = false;
    busy = true;
    outlives = keepalive;
    if (!isLoggedOut) say("Saving…");
    try {
      // Asked for quietly, so that whoever is not back yet is not refused again and again.
      if (isLoggedOut && !(await renewToken())) return loggedOut();
      sent.set("csrfmiddlewaretoken", token().value);
      const options = { method: "POST", body: sent, headers: { Accept: "application/json" }, redirect: "manual", keepalive };
      const response = await fetch(form.action, { ...options, signal: AbortSignal.timeout(GIVE_UP_MS) });
      await answered(response, sent);
    } catch {
      unanswered = true;
      again("Not saved: the server can’t be reached. Trying again…");
    } finally {
      busy = false;
      if (waiting) form.requestSubmit(waiting.isConnected ? waiting : undefined);
      else if (dirty && !form.hasAttribute("data-warn")) later(PAUSE_TYPING_MS);
    }
  }
  const again = (text, options = {}) => {
    dirty = true;
    say(text, { trouble: true, ...options });
    later(RETRY_MS);
  };
  const giveUp = (text) => {
    isOver = true;
    say(text, { trouble: true });
  };

  const loggedOut = () => {
    isLoggedOut = true;
    again("Not saved: you were logged out. What you typed stays here, and is saved once you are back.", { link: form.dataset.login });
  };

  async function answered(response, sent) {
    if (response.type === "opaqueredirect") return loggedOut();
    if (response.status === 403) {
      const known = token().value;
      if (!(await renewToken())) return loggedOut();
      if (known === token().value) return giveUp("Not saved: you may no longer change this.");
      return again("Not saved yet. Trying again…");
    }
    if (response.status === 404) return giveUp("Not saved: it was deleted meanwhile.");
    if (response.status === 409) return giveUp((await response.json()).refused);
    if (!response.ok) {
      unanswered = true;
      return again("Not saved: the server is in trouble. Trying again…");
    }
    unanswered = false;
    mark("unanswered", false);
    told(await response.json(), sent);
  }

  // Whoever logged in again has another token than the one on this page. False: nobody is logged in.
  const token = () => form.querySelector('[name="csrfmiddlewaretoken"]');
  async function renewToken() {
    const response = await fetch(form.action, { redirect: "manual" });
    if (response.type === "opaqueredirect") return false;
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    const found = fresh.querySelector('[name="csrfmiddlewaretoken"]');
    for (const field of found ? document.querySelectorAll('[name="csrfmiddlewaretoken"]') : []) field.value = found.value;
    isLoggedOut = false;
    return true;
  }

  function told(detail, sent) {
    if (form.action !== new URL(detail.url, location.href).href) {
      form.action = detail.url;
      history.replaceState(history.state, "", detail.url + location.hash);
    }
    const before = JSON.parse(seen.value || "{}");
    const marks = JSON.parse(detail.seen);
    const keep = new Set(detail.unsettled ?? []);
    for (const [name, controls] of Object.entries(detail.theirs)) {
      const now = new FormData(form);
      const isTouched = Object.keys(controls).some((control) => `${now.getAll(control)}` !== `${sent.getAll(control)}`);
      // Typed into while this was on its way: to be compared again.
      if (isTouched) keep.add(name);
      else for (const [control, value] of Object.entries(controls)) show(control, value);
    }
    for (const name of keep) marks[name] = before[name];
    seen.value = JSON.stringify(marks);
    if (clashes.dataset.shown !== (detail.clashes ?? "")) clashes.innerHTML = clashes.dataset.shown = detail.clashes ?? "";

    const troubled = Object.keys(detail.errors);
    form.dispatchEvent(new CustomEvent("draft-saved", { detail }));
    if (detail.clashes) say(`${detail.clashed_with} changed the same: choose above.`, { trouble: true });
    else if (troubled.length) say(`Saved at ${detail.at}, except: ${troubled.map((name) => detail.labels[name]).join(", ")}`, { trouble: true });
    else {
      form.removeAttribute("data-warn");
      say(`${detail.changed_by ? `${detail.changed_by} ` : ""}Draft saved at ${detail.at}`);
    }

    const preflight = document.getElementById("preflight");
    if (preflight.hasAttribute("hx-get")) htmx.trigger(preflight, "refresh");
    else htmx.ajax("GET", detail.preflight, { target: preflight, swap: "innerHTML" });
  }

  // Show what somebody else saved, in a control of any kind.
  function show(name, value) {
    for (const control of form.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
      if (control.type === "radio") control.checked = control.value === value;
      else if (control.type === "checkbox") control.checked = Array.isArray(value) ? value.includes(control.value) : value === true;
      else control.value = Array.isArray(value) ? value.join("\n") : value;
      control.dispatchEvent(new CustomEvent("shown", { bubbles: true }));
    }
  }

  form.addEventListener("input", (event) => {
    if (event.detail !== OURS) typed(PAUSE_TYPING_MS);
  });
  form.addEventListener("change", () => typed(PAUSE_CHOICE_MS));
  clashes.addEventListener("click", (event) => {
    const choice = event.target.closest('[name="settle"]');
    if (!choice) return;
    event.preventDefault();
    save({ settle: choice.value });
  });
  addEventListener("online", () => dirty && later(0));
  addEventListener("focus", () => dirty && form.hasAttribute("data-warn") && later(0));

  // The tab is closed, or put away: what is typed goes along, and outlives the page.
  const flush = () => {
    if (!submitted && (dirty || (busy && !outlives))) save({ keepalive: true });
  };
  addEventListener("pagehide", flush);
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && flush());

  form.addEventListener("submit", (event) => {
    if (submitted) return event.preventDefault();
    if (busy) {
      event.preventDefault();
      waiting = event.submitter ?? form.querySelector("[type=submit]");
      return;
    }
    submitted = true;
    clearTimeout(timer);
    number();
    mark("unanswered", unanswered);
  });
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    submitted = false;
    waiting = null;
  });

  if (form.hasAttribute("data-unsaved")) typed(PAUSE_CHOICE_MS);
}
