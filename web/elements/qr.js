// A QR code of a text, black on white in both themes: that is what scanners read best.

import { qr } from "../crypto/qr.js";
import { define, Living } from "../ui/element.js";

const SVG = "http://www.w3.org/2000/svg";

export class KsQr extends Living {
  /** What it says, and what it is for those who don't see it. @param {string} text @param {string} label */
  show(text, label) {
    const { size, path } = qr(text);
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", `0 0 ${size} ${size}`);
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", label);
    svg.setAttribute("class", "qr");
    const modules = document.createElementNS(SVG, "path");
    modules.setAttribute("d", path);
    svg.append(modules);
    this.replaceChildren(svg);
  }
}

define("ks-qr", KsQr);
