// A form that was refused is shown again, as the answer to what was sent. In the browser's history
// the page takes the address that the form came from, which can be asked for again: back, forward
// and reload lead to a page, and not to a question whether to send the form once more.

const from = document.referrer ? new URL(document.referrer) : null;
if (from?.origin === window.location.origin) {
  history.replaceState(null, "", from.pathname + from.search);
}
