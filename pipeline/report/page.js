// Draws the charts in the page's own colours, and again when these or the width change.
(() => {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const palettes = {
    light: ["#1f5a94", "#c4601d", "#2f7d4f", "#8a4a9e", "#a8324a", "#7a6a12", "#197a86",
            "#5a5fc4", "#9a5b3c", "#8b9097"],
    dark: ["#8fbdec", "#f2a766", "#7fcf9c", "#d0a1e0", "#f58a9c", "#d9c766", "#6fd0dc",
           "#a9adf5", "#d9a88c", "#868b92"],
  };

  function look(width) {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const font = getComputedStyle(document.querySelector("figcaption, footer")).fontFamily;
    const ink = colour("--ink"), quiet = colour("--quiet"), line = colour("--line");
    return {
      background: "transparent",
      font,
      view: { stroke: null },
      axis: { labelColor: quiet, titleColor: quiet, titleFontWeight: "normal", gridColor: line,
              gridOpacity: 0.6, domainColor: line, tickColor: line, labelFontSize: 11,
              titleFontSize: 11, labelOverlap: true },
      axisX: { grid: false },
      legend: { orient: "bottom", labelColor: ink, titleColor: quiet, labelFontSize: 11,
                labelLimit: 150, columns: Math.max(1, Math.floor(width / 165)),
                symbolLimit: 40, columnPadding: 12 },
      range: { category: palettes[dark.matches ? "dark" : "light"] },
      bar: { color: palettes[dark.matches ? "dark" : "light"][0] },
    };
  }

  async function draw(source) {
    const box = document.getElementById(source.dataset.chart);
    const old = box.view;
    const { view } = await vegaEmbed(box, JSON.parse(source.textContent), {
      actions: false, renderer: "svg", config: look(box.clientWidth),
      tooltip: { theme: dark.matches ? "dark" : "light" },
    });
    if (old) old.finalize();
    box.view = view;
  }

  // Two drawings side by side are scrolled together.
  for (const row of document.querySelectorAll(".row")) {
    const boxes = [...row.querySelectorAll(".tall")];
    for (const box of boxes) box.addEventListener("scroll", () => {
      for (const other of boxes) if (other !== box) other.scrollTop = box.scrollTop;
    });
  }

  // A block of a program's picture closes: what stands between its two heights folds away,
  // and all that is below moves up.
  for (const picture of document.querySelectorAll("svg.program")) {
    const blocks = new Map([...picture.querySelectorAll("[data-opens]")].map((header) =>
      [header, header.dataset.opens.split(" ").map(Number)]));
    const closed = new Set();
    const height = Number(picture.getAttribute("height"));
    const boxes = [...picture.querySelectorAll(".box")].map((box) =>
      [box, Number(box.getAttribute("y")), Number(box.getAttribute("height"))]);
    const arrows = [...picture.querySelectorAll(".arrow")].map((arrow) =>
      [arrow, arrow.getAttribute("d")]);
    const lines = [...picture.querySelectorAll(".line")].map((line) =>
      [line, Number(line.getAttribute("transform").match(/ (\S+)\)/)[1])]);

    const folds = () => [...closed].map((header) => blocks.get(header))
      .filter(([a, b], _, all) => !all.some(([c, d]) => c <= a && b <= d && d - c > b - a));
    const hidden = (y) => folds().some(([a, b]) => a < y && y < b);
    const moved = (y) => y - folds().reduce((sum, [a, b]) =>
      sum + Math.max(0, Math.min(y, b) - a), 0);

    function place() {
      for (const [line, y] of lines) {
        line.style.display = hidden(y) ? "none" : "";
        line.setAttribute("transform", `translate(0 ${moved(y)})`);
      }
      for (const [box, y, tall] of boxes) {
        box.style.display = hidden(y) ? "none" : "";
        box.setAttribute("y", moved(y));
        box.setAttribute("height", moved(y + tall) - moved(y));
      }
      for (const [arrow, path] of arrows) {
        const [, start, end] = path.match(/^M\S+ (\d+).*V(\d+)/).map(Number);
        const folded = (hidden(start) || hidden(end)) && moved(end) - moved(start) < 12;
        arrow.style.display = folded ? "none" : "";
        arrow.setAttribute("d", path.replace(/^(M\S+) \d+/, `$1 ${moved(start)}`)
          .replace(/V\d+/, `V${moved(end)}`));
      }
      const now = moved(height);
      picture.setAttribute("height", now);
      picture.setAttribute("viewBox", `0 0 ${picture.getAttribute("width")} ${now}`);
    }

    for (const header of blocks.keys()) {
      const turn = () => {
        if (!closed.delete(header)) closed.add(header);
        header.setAttribute("aria-expanded", String(!closed.has(header)));
        place();
      };
      header.setAttribute("role", "button");
      header.setAttribute("tabindex", "0");
      header.setAttribute("aria-expanded", "true");
      header.addEventListener("click", turn);
      header.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        turn();
      });
    }
  }

  const sources = [...document.querySelectorAll("script[data-chart]")];
  async function drawAll() {
    for (const source of sources) await draw(source);
    document.documentElement.dataset.charts = String(sources.length);
  }
  drawAll();
  dark.addEventListener("change", drawAll);
  let width = window.innerWidth, waiting;
  window.addEventListener("resize", () => {
    if (window.innerWidth === width) return; // a phone's toolbar changes only the height
    width = window.innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(drawAll, 150);
  });
})();
