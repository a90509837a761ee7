// What the console's pages do beyond HTML. Everything here may be missing: pages say
// the same without it. Elements that htmx brings later get the same treatment.
"use strict";
(() => {
  const lang = document.documentElement.lang;

  // Times are written in UTC and shown as the reader's own.
  const localise = (root) => root.querySelectorAll("time[data-show]").forEach((element) => {
    const at = new Date(element.dateTime);
    const date = { year: "numeric", month: "short", day: "numeric", timeZone: "UTC" }; // a day of the service is one of UTC
    const shown = element.dataset.show === "date" ? date : { ...date, hour: "2-digit", minute: "2-digit", timeZone: undefined };
    element.title = element.dateTime;
    element.textContent = new Intl.DateTimeFormat(lang, shown).format(at);
    delete element.dataset.show;
  });

  // Buttons that copy are hidden until there is somebody to do it.
  const copying = (root) => root.querySelectorAll("button[data-copy]").forEach((button) => {
    if (navigator.clipboard) button.hidden = false;
  });
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch { // not allowed: the text is selected, to be copied by hand
      const beside = [...button.parentElement.children, button.parentElement.nextElementSibling];
      const text = beside.find((element) => element?.textContent.trim() === button.dataset.copy.trim());
      if (text) getSelection().selectAllChildren(text);
      return;
    }
    const said = button.textContent;
    if (said === document.body.dataset.copied) return; // a second click
    button.textContent = document.body.dataset.copied;
    setTimeout(() => { button.textContent = said; }, 1500);
  });

  // A form with a field "ask" asks first. Without scripts, the page it leads to does.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const ask = form.elements.ask;
    if (!ask || ask.disabled) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const dialog = document.createElement("dialog");
    const article = dialog.appendChild(document.createElement("article"));
    article.appendChild(document.createElement("p")).textContent = ask.value;
    const foot = article.appendChild(document.createElement("footer"));
    const button = (text, quiet) => {
      const made = foot.appendChild(document.createElement("button"));
      made.type = "button";
      made.textContent = text;
      if (quiet) made.className = "secondary";
      return made;
    };
    button(document.body.dataset.no, true).onclick = () => dialog.close();
    button(document.body.dataset.yes).onclick = () => {
      dialog.close();
      ask.disabled = true; // and so not sent
      form.requestSubmit(event.submitter);
      ask.disabled = false;
    };
    dialog.onclose = () => dialog.remove();
    document.body.append(dialog);
    dialog.showModal();
  }, true);

  // A div with data-chart draws the table of that id: the last column against the first.
  const charts = (root) => root.querySelectorAll("div[data-chart]").forEach((box) => {
    const table = document.getElementById(box.dataset.chart);
    if (!table || !window.uPlot) return;
    const rows = [...table.tBodies[0].rows];
    const days = rows.map((row) => Date.parse(row.cells[0].querySelector("time").dateTime) / 1000);
    const counts = rows.map((row) => Number(row.cells[row.cells.length - 1].textContent));
    delete box.dataset.chart;
    box.hidden = false;
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const axis = { stroke: colour("--pico-color"), grid: { stroke: colour("--pico-muted-border-color") }, ticks: { stroke: colour("--pico-muted-border-color") } };
    const head = table.tHead.rows[0].cells;
    const day = new Intl.DateTimeFormat(lang, { month: "short", day: "numeric" });
    const plot = new uPlot({
      width: box.clientWidth, height: 220, legend: { show: false }, cursor: { drag: { x: false, y: false } },
      scales: { y: { range: (_, low, high) => [0, Math.max(5, Math.ceil(high * 1.1))] } },
      series: [{}, { label: head[head.length - 1].textContent, stroke: colour("--pico-primary"), fill: colour("--pico-primary-focus"), paths: uPlot.paths.bars({ size: [0.7] }), points: { show: false } }],
      axes: [{ ...axis, values: (_, ticks) => ticks.map((at) => day.format(at * 1000)) }, { ...axis, size: 50, values: (_, ticks) => ticks.map((n) => (Number.isInteger(n) ? n : "")) }],
    }, [days, counts], box);
    new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: 220 })).observe(box);
    const fallback = table.closest("details");
    if (fallback) fallback.open = false;
  });

  const improve = (root) => { charts(root); localise(root); copying(root); };
  improve(document);
  new MutationObserver((changes) => changes.forEach((change) => change.addedNodes.forEach((node) => {
    if (node.nodeType === Node.ELEMENT_NODE && node.parentElement) improve(node.parentElement);
  }))).observe(document.getElementById("main"), { childList: true, subtree: true });
})();
