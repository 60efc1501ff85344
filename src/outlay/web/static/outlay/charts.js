// Draws what a page holds as JSON. Each [data-chart] names the template that has it.
(() => {
  const LONGEST_NAME = 34;
  const FONT = "Inter, system-ui, sans-serif";
  // More names than that would cover the picture.
  const MOST_NAMES = 24;
  const charts = new Map();

  const colours = () => {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(`--outlay-${name}`).trim();
    return {
      series: Array.from({ length: 10 }, (_, number) => of(`series-${number}`)),
      rest: of("series-rest"),
      text: of("chart-text"),
      line: of("chart-line"),
      back: of("chart-back"),
      ink: of("chart-ink"),
    };
  };

  const amount = (unit, small) => {
    const format = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: small ? 6 : 2 });
    return (value) => (value == null ? "–" : `${format.format(value)} ${unit}`.trim());
  };
  const short = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });

  // Series of the same name would become one.
  const names = (series) => {
    const seen = new Map();
    return series.map(({ name }) => {
      const cut = name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name;
      const count = (seen.get(cut) || 0) + 1;
      seen.set(cut, count);
      return count > 1 ? `${cut} (${count})` : cut;
    });
  };

  const SHAPES = {
    bars: { type: "bar", stack: "all", barMaxWidth: 56, barCategoryGap: "24%" },
    lines: { type: "line", symbol: "circle", symbolSize: 5 },
    area: { type: "line", stack: "all", stackStrategy: "all", areaStyle: { opacity: 0.75 }, symbol: "none" },
  };

  const series = (data, found) =>
    names(data.series).map((name, number) => {
      const colour = data.series[number].rest ? found.rest : found.series[number % found.series.length];
      return {
        ...SHAPES[data.look],
        name,
        id: String(number),
        data: data.series[number].amounts,
        color: colour,
        itemStyle: { color: colour },
        lineStyle: { color: colour, width: 2 },
        emphasis: { focus: "none" },
      };
    });

  const before = (data, found) =>
    data.before
      ? [
          {
            name: "The period before",
            id: "before",
            type: "line",
            data: data.before,
            symbol: "none",
            silent: true,
            z: 5,
            color: found.ink,
            itemStyle: { color: found.ink },
            lineStyle: { color: found.ink, width: 1.5, type: "dashed" },
          },
        ]
      : [];

  const option = (data, { picture = false } = {}) => {
    const found = colours();
    const drawn = [...series(data, found), ...before(data, found)];
    const isSmall = data.series.every((each) => each.amounts.every((value) => Math.abs(value) < 1));
    const many = drawn.length > 1;
    return {
      animation: false,
      textStyle: { fontFamily: FONT, color: found.text },
      grid: { left: 8, right: 12, top: picture ? 60 : 16, bottom: picture ? 32 + 26 * Math.ceil(Math.min(drawn.length, MOST_NAMES) / 6) : many ? 40 : 8, containLabel: true },
      title: picture
        ? { text: data.title || "", left: 16, top: 16, textStyle: { fontSize: 16, color: found.ink } }
        : undefined,
      legend: many
        ? {
            type: picture && drawn.length <= MOST_NAMES ? "plain" : "scroll",
            bottom: picture ? 12 : 0,
            left: 8,
            right: 8,
            itemWidth: 12,
            itemHeight: 12,
            icon: "roundRect",
            textStyle: { color: found.text },
            pageTextStyle: { color: found.text },
            pageIconColor: found.text,
            pageIconInactiveColor: found.line,
          }
        : undefined,
      tooltip: {
        trigger: "axis",
        renderMode: "richText",
        confine: true,
        order: "valueDesc",
        axisPointer: { type: data.look === "bars" ? "shadow" : "line" },
        backgroundColor: found.back,
        borderColor: found.line,
        textStyle: { color: found.ink, fontSize: 12, fontFamily: FONT },
        valueFormatter: amount(data.unit, isSmall),
      },
      xAxis: {
        type: "category",
        data: data.periods,
        boundaryGap: data.look === "bars",
        axisLine: { lineStyle: { color: found.line } },
        axisTick: { show: false },
        axisLabel: { color: found.text, hideOverlap: true },
      },
      yAxis: {
        type: "value",
        axisLabel: { color: found.text, formatter: (value) => short.format(value) },
        splitLine: { lineStyle: { color: found.line } },
      },
      series: drawn,
    };
  };

  const drill = (data, number, place) => {
    const one = data.series[number];
    const moment = data.moments?.[place];
    if (!data.drill || !one || !moment) return;
    const address = new URL(data.drill, location.href);
    address.searchParams.set("period", moment);
    if (one.group) address.searchParams.set("group", JSON.stringify(one.group));
    if (data.only) address.searchParams.set("unit", data.only);
    location.assign(address);
  };

  const draw = (place) => {
    const source = document.getElementById(place.dataset.chart);
    if (!source || !window.echarts || charts.has(place)) return;
    const data = JSON.parse(source.content.textContent);
    const chart = echarts.init(place, null, { renderer: "svg" });
    chart.setOption(option(data));
    chart.on("click", (event) => {
      if (event.componentType === "series" && event.seriesId !== "before") drill(data, Number(event.seriesId), event.dataIndex);
    });
    if (data.drill) place.dataset.drills = "yes";
    const watch = new ResizeObserver(() => chart.resize());
    watch.observe(place);
    charts.set(place, { chart, data, watch });
    place.dataset.drawn = "yes";
  };

  const drawAll = () => {
    for (const [place, { chart, watch }] of charts) {
      if (place.isConnected) continue;
      watch.disconnect();
      chart.dispose();
      charts.delete(place);
    }
    document.querySelectorAll("[data-chart]").forEach(draw);
  };

  // Drawn anew on a canvas, so that it has its legend in full, and is as wide on every screen.
  const picture = async (id) => {
    const found = charts.get(document.getElementById(id));
    if (!found) return;
    const canvas = document.createElement("canvas");
    canvas.width = 1200;
    canvas.height = 640;
    const chart = echarts.init(canvas, null, { renderer: "canvas", width: 1200, height: 640, devicePixelRatio: 2 });
    chart.setOption({ ...option(found.data, { picture: true }), backgroundColor: colours().back });
    const link = document.createElement("a");
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    link.href = URL.createObjectURL(blob);
    link.download = `${found.data.file || "outlay-chart"}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    chart.dispose();
  };

  document.addEventListener("outlay:theme", () => {
    for (const { chart, data } of charts.values()) chart.setOption(option(data), true);
  });
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-picture]") : null;
    if (button) picture(button.dataset.picture);
  });
  document.addEventListener("htmx:afterSettle", drawAll);
  drawAll();
})();
