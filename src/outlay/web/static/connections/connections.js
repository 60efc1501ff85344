// Forms of connections: which fields belong to the chosen access, and what a screen reader is told of a field.
(() => {
  const showAccess = (group) => {
    const chosen = group.querySelector("input[name=access]:checked")?.value;
    for (const part of group.querySelectorAll("[data-access-of]")) {
      part.hidden = part.dataset.accessOf !== chosen;
    }
  };
  for (const group of document.querySelectorAll("[data-access]")) {
    group.addEventListener("change", () => showAccess(group));
    showAccess(group);
  }
  // What belongs to the chosen storage. A bucket that was typed has other rules there: it is checked anew.
  const storage = document.getElementById("id_storage");
  const bucket = document.getElementById("id_bucket");
  const showStorage = () => {
    for (const part of document.querySelectorAll("[data-storage-of]")) {
      part.hidden = part.dataset.storageOf !== storage.value;
    }
    document.querySelector("label[for=id_bucket]").textContent = bucket.getAttribute(`data-label-${storage.value}`);
  };
  storage?.addEventListener("change", () => {
    showStorage();
    if (bucket.value) htmx.trigger(bucket, "change");
  });
  if (storage) showStorage();
  // What a policy is for, and what has to be known for it.
  const purposes = document.querySelector("[data-purposes]");
  const showPurpose = () => {
    const chosen = purposes.selectedOptions[0];
    const needs = chosen.dataset.needs.split(" ");
    document.querySelector("[data-purpose-about]").textContent = chosen.dataset.about;
    for (const part of document.querySelectorAll("[data-needed]")) {
      part.hidden = !needs.includes(part.dataset.needed);
    }
    document.getElementById("policy").replaceChildren();
  };
  purposes?.addEventListener("change", showPurpose);
  if (purposes) showPurpose();
  // What an export that was found, or a path that was offered, says of the form's fields. Each is checked anew.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-use-path]");
    if (!button) return;
    for (const name of ["bucket", "path", "export", "name"]) {
      const value = button.getAttribute(`data-use-${name}`);
      const field = document.getElementById(`id_${name}`);
      if (value === null || !field) continue;
      if (name === "name") {
        // A name that somebody has typed stays.
        if (![field.defaultValue, field.dataset.suggested].includes(field.value)) continue;
        field.dataset.suggested = value;
      }
      field.value = value;
      htmx.trigger(field, "change");
    }
    const said = button.closest("form")?.querySelector("[data-used]");
    if (said && button.dataset.useExport) said.textContent = `${button.dataset.useExport} is filled in: test it, then save.`;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const said = event.detail.target;
    if (!said.classList?.contains("connections-said")) return;
    const field = said.closest(".connections-field")?.querySelector("input, select");
    if (!field) return;
    const isWrong = said.querySelector(".invalid-feedback") !== null;
    field.classList.toggle("is-invalid", isWrong);
    if (isWrong) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  });
})();
