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
