// The form of the question asks as soon as something else is chosen; days of one's own and filters wait for their button.
(() => {
  const form = () => document.getElementById("question");
  const announce = (text) => {
    const place = document.getElementById("announcements");
    if (place) place.textContent = text;
  };
  const ask = () => htmx.trigger(form(), "outlay:ask");
  const values = () => htmx.trigger(document.getElementById("filter-values"), "outlay:values");

  const onRange = (select) => {
    const isCustom = select.value === "custom";
    document.querySelector("[data-custom]").hidden = !isCustom;
    if (isCustom) document.getElementById("q-from").focus();
    else ask();
  };

  document.addEventListener("change", (event) => {
    const field = event.target;
    if (!(field instanceof HTMLElement)) return;
    if (field.matches("[data-range]")) onRange(field);
    else if (field.matches("[data-ask]")) ask();
    else if (field.matches("[data-filter]") && document.getElementById("f-column").value) values();
  });

  let typed;
  document.addEventListener("input", (event) => {
    if (!(event.target instanceof Element) || !event.target.matches("[data-search]")) return;
    clearTimeout(typed);
    typed = setTimeout(values, 300);
  });
  // Enter in the search searches; it does not send the question.
  document.addEventListener("keydown", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (event.key === "Enter" && target?.matches("[data-search]")) {
      event.preventDefault();
      values();
    }
    const panel = target?.closest(".outlay-add-filter[open]");
    if (event.key === "Escape" && panel) {
      panel.open = false;
      panel.querySelector("summary").focus();
    }
  });

  // What went wrong stands above the question, which stays as it is.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { status } = event.detail.xhr;
    // 400 is the site's own answer: the form, with what is wrong in it.
    if (status <= 400) return;
    event.detail.target = document.getElementById("explorer-problem");
    event.detail.swapOverride = "innerHTML";
    event.detail.shouldSwap = true;
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target?.id === "explorer" || event.target?.id === "explorer") announce("The answer is shown anew.");
  });
})();
