--- The script of the page of a report: it sorts and filters the rows that the page already has. Without scripts the
--- page shows all of them, the most urgent first.

local M = {}

M.JAVASCRIPT = [[
"use strict";
document.documentElement.classList.add("js");
(function () {
  const body = document.querySelector("tbody");
  if (!body) return;
  const rows = Array.from(body.rows), heads = Array.from(document.querySelectorAll("thead th"));
  const search = document.getElementById("search"), shown = document.getElementById("shown");
  const filters = document.querySelectorAll(".counts button");
  const order = new Intl.Collator(undefined, { numeric: true });
  let state = "";

  function filter() {
    const words = search.value.toLowerCase();
    let count = 0;
    for (const row of rows) {
      const fits = (!state || state.split(" ").includes(row.dataset.state)) &&
        (!words || row.textContent.toLowerCase().includes(words));
      row.hidden = !fits;
      if (fits) count++;
    }
    shown.textContent = count + " of " + rows.length + (rows.length === 1 ? " run" : " runs");
  }

  function valueOf(row, place, isNumber) {
    const cell = row.cells[place], given = cell.dataset.value;
    return isNumber ? (given === undefined ? NaN : Number(given)) : cell.textContent.trim();
  }

  function sort(place) {
    const head = heads[place], isNumber = head.dataset.sort === "number";
    const isUp = head.getAttribute("aria-sort") !== "ascending";
    const sign = isUp ? 1 : -1;
    for (const each of heads) each.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", isUp ? "ascending" : "descending");
    const sorted = rows.map(function (row, index) { return { row, index, value: valueOf(row, place, isNumber) }; });
    sorted.sort(function (a, b) {
      const isEmpty = function (value) { return isNumber ? isNaN(value) : value === ""; };
      if (isEmpty(a.value) || isEmpty(b.value)) return isEmpty(a.value) - isEmpty(b.value) || a.index - b.index;
      return sign * (isNumber ? a.value - b.value : order.compare(a.value, b.value)) || a.index - b.index;
    });
    body.append(...sorted.map(function (each) { return each.row; }));
  }

  heads.forEach(function (head, place) {
    head.querySelector("button").addEventListener("click", function () { sort(place); });
  });
  filters.forEach(function (button) {
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", function () {
      const isOn = button.getAttribute("aria-pressed") === "true";
      filters.forEach(function (each) { each.setAttribute("aria-pressed", "false"); });
      button.setAttribute("aria-pressed", String(!isOn));
      state = isOn ? "" : button.dataset.state;
      filter();
    });
  });
  function reveal() { // a link of the timeline leads to a row that a filter may hide
    const row = /^#run-\d+$/.test(location.hash) && document.getElementById(location.hash.slice(1));
    if (row && row.hidden) {
      state = search.value = "";
      filters.forEach(function (each) { each.setAttribute("aria-pressed", "false"); });
      filter();
      row.scrollIntoView();
    }
  }
  search.addEventListener("input", filter);
  window.addEventListener("hashchange", reveal);
  filter();
})();
]]

--- SHA-256 of the script, as the page's Content-Security-Policy names it. A spec says the right one.
M.HASH = "sha256-gS8UUKpLdFQdNJCS9QTl7GF20//3yFZy76tinETWHmM="

return M
