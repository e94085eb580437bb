// Times as the home's clock shows them: every function takes the home's time zone, none uses the viewer's.

/** @type {Map<string, Intl.DateTimeFormat>} */
const made = new Map();

/** @param {string} zone @param {Intl.DateTimeFormatOptions} options */
function format(zone, options) {
  const key = zone + JSON.stringify(options);
  let found = made.get(key);
  if (!found) made.set(key, found = new Intl.DateTimeFormat(undefined, { ...options, timeZone: zone }));
  return found;
}

/** 14:02:10 @param {number} ms @param {string} zone */
export const clock = (ms, zone) => format(zone, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }).format(ms);

/** 14:02 @param {number} ms @param {string} zone */
export const hourMinute = (ms, zone) => format(zone, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(ms);

/** 23 November 2026 @param {number} ms @param {string} zone */
export const date = (ms, zone) => format(zone, { day: "numeric", month: "long", year: "numeric" }).format(ms);

/**
 * The day's name for addresses and filters: 2026-11-23.
 * @param {number} ms
 * @param {string} zone
 */
export function dayKey(ms, zone) {
  const parts = format(zone, { year: "numeric", month: "2-digit", day: "2-digit", calendar: "iso8601" }).formatToParts(ms);
  const of = (/** @type {string} */ type) => parts.find((one) => one.type === type)?.value ?? "";
  return `${of("year").padStart(4, "0")}-${of("month")}-${of("day")}`;
}

/**
 * The last millisecond of a day, which has 23 to 25 hours.
 * @param {string} day 2026-11-23
 * @param {string} zone
 */
export function dayEnd(day, zone) {
  const noon = Date.parse(`${day}T12:00:00Z`);
  let [last, next] = [noon - 86_400_000, noon + 2 * 86_400_000]; // of this day or before, and after it
  while (next - last > 1) {
    const middle = Math.floor((last + next) / 2);
    if (dayKey(middle, zone) <= day) last = middle;
    else next = middle;
  }
  return last;
}

/**
 * The day in words: Today, Yesterday, or Monday 23 November.
 * @param {string} day 2026-11-23
 * @param {string} zone
 * @param {number} [now]
 */
export function dayWords(day, zone, now = Date.now()) {
  const today = dayKey(now, zone);
  if (day === today) return "Today";
  if (day === dayBefore(today)) return "Yesterday";
  const noon = Date.parse(`${day}T12:00:00Z`);
  const year = day.slice(0, 4) === today.slice(0, 4) ? undefined : /** @type {const} */ ("numeric");
  return format("UTC", { weekday: "long", day: "numeric", month: "long", year }).format(noon);
}

/** By the calendar: a day has 23 or 25 hours when the clocks change. @param {string} day */
const dayBefore = (day) => new Date(Date.parse(`${day}T12:00:00Z`) - 86_400_000).toISOString().slice(0, 10);

/**
 * When something was, short where it can be: 14:02, yesterday 14:02, 3 November 14:02.
 * @param {number} ms
 * @param {string} zone
 */
export function when(ms, zone) {
  const day = dayKey(ms, zone);
  const words = dayWords(day, zone);
  if (words === "Today") return hourMinute(ms, zone);
  if (words === "Yesterday") return `yesterday ${hourMinute(ms, zone)}`;
  return `${format(zone, { day: "numeric", month: "long" }).format(ms)} ${hourMinute(ms, zone)}`;
}

/** 0:14, 1:02:07 @param {number} ms */
export function length(ms) {
  const all = Math.max(0, Math.round(ms / 1000));
  const [h, m, s] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** 14 seconds, 2 minutes, 3 hours @param {number} ms */
export function span(ms) {
  const s = Math.max(1, Math.round(ms / 1000));
  const [count, unit] = s < 90 ? [s, "second"] : s < 5400 ? [Math.round(s / 60), "minute"] : s < 129_600 ? [Math.round(s / 3600), "hour"] : [Math.round(s / 86_400), "day"];
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}

/** The zone's place in words: Europe/Berlin -> Berlin @param {string} zone */
export const zoneWords = (zone) => (zone.split("/").pop() ?? zone).replaceAll("_", " ");

/** Every zone that this browser knows. @returns {string[]} */
export const zones = () => /** @type {{supportedValuesOf?: (key: string) => string[]}} */ (Intl).supportedValuesOf?.("timeZone") ?? [ownZone()];

/** The viewer's own zone, a first guess for a new home. */
export const ownZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
