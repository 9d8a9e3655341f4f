// <time data-relative> was written by the server; this keeps "12 min ago" and "in 25 min" true.
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

function relative(seconds) {
  const past = seconds >= 0;
  const size = Math.abs(seconds);
  const say = (amount) => (past ? `${amount} ago` : `in ${amount}`);
  if (size < 10) return past ? "just now" : "in a moment";
  if (size < MINUTE) return say(`${Math.floor(size)} s`);
  if (size < HOUR) return say(`${Math.floor(size / MINUTE)} min`);
  if (size < DAY) {
    const minutes = Math.floor((size % HOUR) / MINUTE);
    const hours = Math.floor(size / HOUR);
    return say(past || !minutes || hours > 5 ? `${hours} h` : `${hours} h ${minutes} min`);
  }
  return null;
}

function tick() {
  for (const time of document.querySelectorAll("time[data-relative]")) {
    const words = relative((Date.now() - Date.parse(time.dateTime)) / 1000);
    const node = time.firstChild;
    if (words && node && node.nodeValue !== words) node.nodeValue = words;
  }
}
setInterval(() => document.hidden || tick(), 5000);
document.addEventListener("visibilitychange", () => document.hidden || tick());

// The server writes times in the zone of whoever looks at them.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !document.cookie.split("; ").includes(`time_zone=${zone}`)) {
  document.cookie = `time_zone=${zone}; path=/; max-age=31536000; samesite=lax`;
}
