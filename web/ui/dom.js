// Markup stands in the source as literals without values and is cloned; what is data goes in as text. There is no other way in,
// so nothing that a server, a camera or a person wrote can become markup.

/**
 * A template of the literal that follows. It takes no values.
 * @param {TemplateStringsArray} literal
 * @returns {HTMLTemplateElement}
 */
export function template(literal) {
  if (literal.length !== 1) throw new TypeError("A template takes no values: set textContent after cloning.");
  const made = document.createElement("template");
  made.innerHTML = literal[0];
  return made;
}

/**
 * A copy of what a template holds.
 * @param {HTMLTemplateElement} from
 * @returns {DocumentFragment}
 */
export function clone(from) {
  return document.importNode(from.content, true);
}

/**
 * The element that the markup calls `data-part="name"`.
 * @template {Element} T
 * @param {ParentNode} root
 * @param {string} name
 * @param {abstract new (...given: any[]) => T} type what it must be
 * @returns {T}
 */
export function typed(root, name, type) {
  const found = root.querySelector(`[data-part="${name}"]`);
  if (!(found instanceof type)) throw new Error(`no ${type.name} called ${name} in the markup`);
  return found;
}

/**
 * The same for any HTML element.
 * @param {ParentNode} root
 * @param {string} name
 */
export function part(root, name) {
  return typed(root, name, HTMLElement);
}

/** @param {ParentNode} root @param {string} name */
export const input = (root, name) => typed(root, name, HTMLInputElement);

/** @param {ParentNode} root @param {string} name */
export const button = (root, name) => typed(root, name, HTMLButtonElement);

/** @param {ParentNode} root @param {string} name */
export const link = (root, name) => typed(root, name, HTMLAnchorElement);

/**
 * Sets the text of a part, and hides the part when there is none.
 * @param {ParentNode} root
 * @param {string} name
 * @param {string | null | undefined} text
 */
export function say(root, name, text) {
  const where = part(root, name);
  where.textContent = text ?? "";
  where.hidden = !text;
}

const SVG = "http://www.w3.org/2000/svg";

/**
 * A drawing of icons.svg. It says nothing by itself: a word stands beside it or names its button.
 * @param {string} name
 * @param {string} [more] further classes
 */
export function icon(name, more = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", `icon ${more}`.trim());
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

/**
 * Changes the drawing of an icon that is there.
 * @param {ParentNode} root
 * @param {string} name
 */
export function setIcon(root, name) {
  root.querySelector("svg.icon use")?.setAttribute("href", `/icons.svg#${name}`);
}
