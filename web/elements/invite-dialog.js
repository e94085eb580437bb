// Adding someone: what they may do, then the link and its QR code. The link is shown once; its secret is kept nowhere.

/** @import { HomeView } from "../app/home.js" */
import { inviteMember } from "../crypto/chain-build.js";
import { clone, button, input, part, template, typed } from "../ui/dom.js";
import { shown } from "../ui/dialog.js";
import { onSubmit } from "../ui/form.js";
import { KsQr } from "./qr.js";

const MARKUP = template`
  <dialog class="sheet" aria-labelledby="invite-title">
    <form data-part="form">
      <h2 id="invite-title">Add someone</h2>
      <p class="note danger" data-part="wrong" role="alert" hidden></p>
      <fieldset class="stack-2"><legend class="label">They will be</legend>
        <label class="option"><input type="radio" name="rights" value="member" checked><span><strong>A member</strong><span class="quiet">Can open and download videos, and sees who viewed what.</span></span></label>
        <label class="option"><input type="radio" name="rights" value="owner"><span><strong>An owner</strong><span class="quiet">Can also delete videos, and add or remove people, boxes and cameras.</span></span></label>
      </fieldset>
      <p class="note"><svg class="icon" aria-hidden="true"><use href="/icons.svg#events"/></svg><span>They will see the whole history of this home, not only what comes from now on.</span></p>
      <div class="actions"><button type="button" class="button" data-part="no">Cancel</button><button type="submit" class="button primary">Make the link</button></div>
    </form>
    <div class="inside" data-part="made" hidden>
      <h2>Send this link to one person</h2>
      <p>It works once, for seven days. Whoever has it can join, so send it privately. It is not shown again.</p>
      <ks-qr data-part="qr"></ks-qr>
      <div class="field"><label for="invite-link">Link</label><input class="input" id="invite-link" data-part="link" readonly></div>
      <div class="actions"><ks-copy data-of="invite-link" data-label="Copy link"></ks-copy><button type="button" class="button" data-part="share" hidden>Share</button><button type="button" class="button primary" data-part="done">Done</button></div>
    </div>
  </dialog>`;

/**
 * @param {HomeView} home
 * @param {AbortSignal} signal
 */
export async function invite(home, signal) {
  const copy = clone(MARKUP);
  const dialog = /** @type {HTMLDialogElement} */ (copy.querySelector("dialog"));
  button(dialog, "no").addEventListener("click", () => dialog.close());
  button(dialog, "done").addEventListener("click", () => dialog.close());
  onSubmit(typed(dialog, "form", HTMLFormElement), signal, async (value) => {
    const rights = value("rights") === "owner" ? "owner" : "member";
    let link = "";
    await home.change(async (open) => {
      const made = await inviteMember({ open, rights, publicUrl: location.origin });
      link = made.link;
      return made.body;
    });
    showLink(dialog, link);
  });
  await shown(dialog, signal);
}

/** @param {HTMLDialogElement} dialog @param {string} link */
function showLink(dialog, link) {
  part(dialog, "form").hidden = true;
  part(dialog, "made").hidden = false;
  typed(dialog, "qr", KsQr).show(link, "The link as a QR code, for a phone’s camera");
  const field = input(dialog, "link");
  field.value = link;
  field.addEventListener("focus", () => field.select());
  const share = button(dialog, "share");
  share.hidden = !navigator.share;
  share.addEventListener("click", () => { navigator.share({ url: link }).catch(() => {}); });
  button(dialog, "done").focus();
}
