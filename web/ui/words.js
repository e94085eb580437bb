// What states, reasons and kinds are called. One place, so that one thing has one name on every page.

/** @import { Gap, Right, View, Camera } from "../api/types.js" */
import { when } from "./time.js";

/** @param {Gap["reason"]} reason */
export function gapWords(reason) {
  switch (reason) {
    case "camera_not_reached": return "the camera was not reached";
    case "spool_full": return "the box at home ran out of space before it could be uploaded";
    case "agent_stopped": return "the box at home stopped while recording";
    case "agent_off": return "the box at home was not running";
    case "camera_changed": return "another camera answered at this camera’s address";
    default: return "the reason is not known";
  }
}

/**
 * How a camera does, in words.
 * @param {Camera} camera
 * @param {string} zone
 * @returns {{text: string, tone: "ok" | "warn" | "quiet"}}
 */
export function cameraWords({ state, since }, zone) {
  const from = since === null ? "" : ` since ${when(since, zone)}`;
  switch (state) {
    case "recording": return { text: "Recording", tone: "ok" };
    case "not_reached": return { text: `Not reached${from}`, tone: "warn" };
    case "changed": return { text: `Another camera answers at its address${from}. Recording has stopped.`, tone: "warn" };
    case "agent_away": return { text: `The box at home has not been heard${from}`, tone: "warn" };
    case "off": return { text: "Switched off", tone: "quiet" };
    case "removed": return { text: "Removed. Its videos stay until they are deleted.", tone: "quiet" };
    default: return { text: "State not known", tone: "quiet" };
  }
}

/** @param {readonly Right[]} rights */
export function rightsWords(rights) {
  if (rights.includes("manage")) return "Owner: can open, download and delete videos, and change people and cameras";
  const can = [rights.includes("review") && "open", rights.includes("download") && "download", rights.includes("delete") && "delete"].filter((one) => typeof one === "string");
  return can.length ? `Can ${listed(can)} videos` : "Can’t open videos";
}

/** @param {View["kind"]} kind */
export function viewWords(kind) {
  switch (kind) {
    case "offered": return "Shown in a list";
    case "thumbnail": return "Picture shown";
    case "opened": return "Opened";
    case "downloaded": return "Downloaded";
    case "refused": return "Asked and refused";
    default: return "Seen";
  }
}

/** @param {string | undefined} label */
export const labelWords = (label) => label === "motion" ? "Motion" : label === "manual" ? "Recorded by hand" : "";

/** a, b and c @param {readonly string[]} items */
export const listed = (items) => items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items[items.length - 1]}`;

/** 1.4 GB @param {number} bytes */
export function bytes(bytes) {
  const units = ["bytes", "KB", "MB", "GB", "TB"];
  let index = 0;
  while (bytes >= 1000 && index < units.length - 1) { bytes /= 1000; index += 1; }
  return `${bytes.toLocaleString(undefined, { maximumFractionDigits: index < 3 || bytes >= 100 ? 0 : 1 })} ${units[index]}`;
}

/** 3 Events, 1 Event @param {number} n @param {string} one @param {string} [many] */
export const count = (n, one, many = `${one}s`) => `${n.toLocaleString()} ${n === 1 ? one : many}`;
