// The recording's player, and the transcript beside it: the turn being said is marked, a turn that is
// clicked is played. Works on what the server rendered: [data-player] and the .transcript in its panel.
const SPEEDS = [1, 1.25, 1.5, 2];
const STEP = 5;
const KEPT = "carillon.speed";

const clock = (seconds) => {
  const whole = Math.max(0, Math.floor(seconds));
  const minutes = Math.floor(whole / 60) % 60;
  const rest = String(whole % 60).padStart(2, "0");
  return whole >= 3600 ? `${Math.floor(whole / 3600)}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
};

class Player {
  constructor(root) {
    this.root = root;
    this.audio = root.querySelector("audio");
    this.toggle = root.querySelector("[data-play]");
    this.seek = root.querySelector("input[type=range]");
    this.speed = root.querySelector("[data-speed]");
    this.played = root.querySelector("clipPath rect");
    this.length = Number(this.seek.max) || 0;
    this.listen();
    this.setSpeed(Number(localStorage.getItem(KEPT)) || 1);
    this.draw();
    if (this.audio.readyState > 0) this.loaded();
    if (this.audio.error) this.broken();
    this.show();
  }

  // Looked up each time: the transcript may come later than the recording.
  get turns() {
    return [...(this.root.closest(".call")?.querySelectorAll(".turn") ?? [])];
  }

  listen() {
    const { audio } = this;
    this.toggle.addEventListener("click", () => this.playOrPause());
    this.speed.addEventListener("click", () => {
      this.setSpeed(SPEEDS[(SPEEDS.indexOf(audio.playbackRate) + 1) % SPEEDS.length]);
      localStorage.setItem(KEPT, audio.playbackRate);
    });
    this.seek.addEventListener("input", () => this.go(Number(this.seek.value)));
    audio.addEventListener("loadedmetadata", () => this.loaded());
    audio.addEventListener("durationchange", () => this.loaded());
    audio.addEventListener("error", () => this.broken());
    for (const name of ["timeupdate", "seeked", "ended"]) audio.addEventListener(name, () => this.show());
    for (const name of ["play", "pause", "ended"]) audio.addEventListener(name, () => this.state());
    audio.addEventListener("waiting", () => this.root.toggleAttribute("data-waiting", true));
    for (const name of ["playing", "canplay", "pause"]) {
      audio.addEventListener(name, () => this.root.toggleAttribute("data-waiting", false));
    }
  }

  loaded() {
    if (!Number.isFinite(this.audio.duration)) return;
    this.length = this.audio.duration;
    this.seek.max = this.length;
    this.root.querySelector("[data-length]").textContent = clock(this.length);
    this.show();
  }

  broken() {
    this.root.toggleAttribute("data-broken-file", true);
    this.root.querySelector("[data-broken]").hidden = false;
  }

  async playOrPause() {
    if (!this.audio.paused) return this.audio.pause();
    if (this.audio.ended) this.audio.currentTime = 0;
    try {
      await this.audio.play();
    } catch (error) {
      // Paused again before it began is no failure.
      if (error.name !== "AbortError" && this.audio.error) this.broken();
    }
  }

  go(seconds) {
    this.audio.currentTime = Math.min(Math.max(0, seconds), this.length || seconds);
    this.show();
  }

  setSpeed(speed) {
    const known = SPEEDS.includes(speed) ? speed : 1;
    this.audio.defaultPlaybackRate = this.audio.playbackRate = known;
    this.speed.textContent = `${known}×`;
    this.speed.setAttribute("aria-label", `Speed: ${known}×`);
  }

  state() {
    const playing = !this.audio.paused && !this.audio.ended;
    this.root.toggleAttribute("data-playing", playing);
    this.toggle.setAttribute("aria-label", playing ? "Pause" : "Play");
    if (playing) this.tick();
  }

  // Smoother than the four times a second that timeupdate comes.
  tick() {
    this.show();
    if (!this.audio.paused && this.root.isConnected) requestAnimationFrame(() => this.tick());
    else if (!this.root.isConnected) this.audio.pause();
  }

  show() {
    const now = this.audio.currentTime;
    this.root.querySelector("[data-now]").textContent = clock(now);
    this.played.setAttribute("width", this.length ? (600 * now) / this.length : 0);
    this.seek.value = now;
    this.seek.setAttribute("aria-valuetext", `${clock(now)} of ${clock(this.length)}`);
    this.mark(now * 1000);
  }

  mark(now) {
    const begun = now > 0 || !this.audio.paused;
    const turns = this.turns;
    // The last that has begun: between two turns, the one before stays marked.
    const current = begun ? turns.filter((turn) => Number(turn.dataset.start) <= now).at(-1) : undefined;
    for (const turn of turns) {
      if (turn.classList.contains("now") === (turn === current)) continue;
      turn.classList.toggle("now", turn === current);
      if (turn === current) {
        turn.setAttribute("aria-current", "true");
        this.keepInView(turn);
      } else turn.removeAttribute("aria-current");
    }
  }

  // Scrolls the transcript, never the page.
  keepInView(turn) {
    const list = turn.parentElement;
    const top = turn.offsetTop - list.offsetTop;
    if (top < list.scrollTop || top + turn.offsetHeight > list.scrollTop + list.clientHeight) {
      list.scrollTop = top - list.clientHeight / 3;
    }
  }

  async draw() {
    let peaks = [];
    try {
      const response = await fetch(this.root.dataset.peaks);
      if (response.ok) ({ peaks } = await response.json());
    } catch {
      // Without peaks there is a plain line to seek on.
    }
    if (!peaks.length) return;
    const width = 600 / peaks.length;
    const bars = peaks.map((peak, place) => {
      const height = Math.max(2, (30 * peak) / 100);
      return `M${(place * width).toFixed(2)} ${((30 - height) / 2).toFixed(2)}h${(width * 0.55).toFixed(2)}v${height.toFixed(2)}h-${(width * 0.55).toFixed(2)}z`;
    });
    for (const path of this.root.querySelectorAll("path[clip-path], path.all")) path.setAttribute("d", bars.join(""));
  }
}

const players = new WeakMap();
const setUp = () => {
  for (const root of document.querySelectorAll("[data-player]")) {
    if (!players.has(root)) players.set(root, new Player(root));
  }
};
setUp();
document.addEventListener("htmx:afterSwap", () => setUp());

const current = () => players.get(document.querySelector("[data-player]"));

document.addEventListener("click", (event) => {
  const turn = event.target.closest?.(".turn");
  const player = turn && current();
  // Who marks words to copy them doesn't want to hear them.
  if (!player || !getSelection().isCollapsed) return;
  player.go(Number(turn.dataset.start) / 1000);
  if (player.audio.paused) player.playOrPause();
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const player = current();
  if (!player || document.querySelector("dialog[open], :popover-open")) return;
  const on = event.target;
  const isTrack = on === player.seek;
  if (!isTrack && on.matches?.("input, textarea, select, [contenteditable]")) return;
  if (event.key === " ") {
    // A button or link that has the focus is what the key is for.
    if (on.closest?.("button, a, summary") || event.repeat) return;
    player.playOrPause();
  } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
    player.go(player.audio.currentTime + (event.key === "ArrowLeft" ? -STEP : STEP));
  } else if (isTrack && event.key === "Home") player.go(0);
  else if (isTrack && event.key === "End") player.go(player.length);
  else return;
  event.preventDefault();
});
