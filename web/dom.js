// How are elements made and shown? Text is always text: nothing here reads HTML.

/** A new element. Names with a hyphen are attributes (`data-…`, `aria-…`), others properties. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (name.includes("-")) made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** The page's element with this id. */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page lacks #${id}`);
  return found;
}

/** What went wrong and what to do, put into a place that screen readers announce. */
export function showProblem(place, problem, todo) {
  const remedy = problem.remedy
    ? element("p", {}, element("strong", {}, todo), " ", problem.remedy)
    : null;
  place.replaceChildren(
    ...[element("p", { className: "what" }, problem.message), remedy].filter(Boolean),
  );
  place.hidden = false;
}

/** Runs `act` when the button is pressed, once at a time: while it runs the button is busy and
 * further clicks do nothing. */
export function onPress(button, act) {
  button.addEventListener("click", onceAtATime(button, act));
}

/** The same for a form, however it is sent. The browser sends it nowhere. */
export function onSubmit(form, act) {
  const run = onceAtATime(form.querySelector("button[type=submit]"), act);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run();
  });
}

function onceAtATime(button, act) {
  let running = false;
  return async () => {
    if (running) return;
    running = true;
    button.setAttribute("aria-disabled", "true");
    try {
      await act();
    } finally {
      running = false;
      button.removeAttribute("aria-disabled");
    }
  };
}
