// A drawing is looked at closer: a stretch of it, one point by its words, a click to what is behind it.
// The drawing, and the table below it, say the same without a script. The library is fetched when somebody asks for it.
"use strict";
(() => {
  const say = document.currentScript.dataset;
  const style = getComputedStyle(document.documentElement), of = (name) => style.getPropertyValue(name).trim();
  let library = null;

  function loaded() {
    library ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = say.library;
      script.onload = () => resolve(window.echarts);
      script.onerror = () => { library = null; script.remove(); reject(new Error(say.library)); };
      document.head.append(script);
    });
    return library;
  }

  function optionOf(chart) {
    const ink = of("--ink"), soft = of("--ink-2"), bars = chart.kind === "bars", percent = (v) => `${Math.round(100 * v)} %`;
    const text = { color: ink, fontFamily: of("--font"), fontSize: 14 };
    const shares = chart.lines.some((line) => line.share);
    const axis = { type: "value", scale: !bars, axisLabel: { ...text, show: !bars }, splitLine: { show: !bars } };
    if (chart.percent) axis.axisLabel.formatter = percent;
    const said = (n) => chart.values[n].said;
    const points = chart.values.map(({ y, bad }) => ({
      value: y,
      symbol: bad ? "diamond" : "circle", symbolSize: bad ? 15 : 8,  // a shape says it, too, where there are no colours
      itemStyle: { color: bad && !bars ? of("--stop") : bars ? soft : ink, borderColor: of("--card") },
    }));
    const main = {
      type: bars ? "bar" : "line", name: "", data: points, barMaxWidth: 60, lineStyle: { color: ink, width: 1.5 },
      label: { ...text, show: bars, position: "top", formatter: ({ dataIndex }) => said(dataIndex) },
    };
    const lines = chart.lines.map((line) => ({
      type: "line", name: line.name, data: line.y, symbol: line.share ? "circle" : "none", step: line.share ? false : "middle",
      yAxisIndex: line.share ? 1 : 0, itemStyle: { color: ink }, silent: !line.share,
      lineStyle: { color: line.share ? ink : soft, type: line.dashed ? "dashed" : "solid", width: 1.5 },
      endLabel: { ...text, show: !line.share, formatter: line.name },
    }));
    return {
      animation: false,
      textStyle: text,
      aria: { enabled: true, label: { description: chart.alt }, decal: { show: bars } },
      grid: { left: 16, right: 56, top: 32, bottom: 64, containLabel: true },
      tooltip: {
        trigger: "axis", renderMode: "richText", confine: true, textStyle: { ...text, color: "#17211f" },
        formatter: ([first]) => `${chart.values[first.dataIndex].label}\n${said(first.dataIndex) || "–"}`,
      },
      dataZoom: [{ type: "inside" }, { type: "slider", bottom: 12, textStyle: text, labelFormatter: "" }],
      xAxis: { type: "category", data: chart.values.map((v) => v.label), axisLabel: { ...text, hideOverlap: true, width: 160, overflow: "truncate" } },
      yAxis: shares ? [axis, { type: "value", min: 0, max: 1, axisLabel: { ...text, formatter: percent }, splitLine: { show: false } }] : [axis],
      series: [main, ...lines],
    };
  }

  for (const template of document.querySelectorAll("template[data-closer]")) {
    const chart = JSON.parse(template.dataset.closer), figure = template.parentElement, drawing = template.previousElementSibling;
    const button = document.createElement("button"), board = document.createElement("div");
    let live = null;
    button.type = "button";
    button.className = "button quiet closer";
    button.textContent = say.open;
    board.className = "closer-board";
    board.hidden = true;
    figure.append(board);
    figure.after(button);
    const shown = (closer) => {
      board.hidden = !closer;
      drawing.classList.toggle("away", closer);
      button.textContent = closer ? say.back : say.open;
    };
    button.addEventListener("click", async () => {
      if (!board.hidden) { shown(false); return; }
      let echarts;
      try { echarts = await loaded(); } catch { button.textContent = say.broken; return; }
      shown(true);
      if (live) { live.resize(); return; }
      live = echarts.init(board, null, { renderer: "canvas" });
      live.setOption(optionOf(chart));
      live.on("click", ({ dataIndex }) => { if (chart.values[dataIndex].href) location.assign(chart.values[dataIndex].href); });
      new ResizeObserver(() => { if (!board.hidden) live.resize(); }).observe(figure);
    });
  }
})();
