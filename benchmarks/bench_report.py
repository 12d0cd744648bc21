"""The charts of a report in Chromium: drawing all of them and moving the cursor, ours beside Plotly's.

python benchmarks/bench_report.py [FRAMES]; needs Playwright and Chromium; Plotly's line needs `plotly`.
"""

import json
import shutil
import sys
import tempfile
from importlib import resources, util
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, sync_playwright

CHARTS, MOVES = 25, 5
OURS = """
const boxes = T.map((sides, i) => { const f = document.createElement('figure'), p = document.createElement('div');
    f.id = 'f' + i; p.style.width = '560px'; f.append(p); document.body.append(f); return p; });
const started = performance.now();
const charts = T.map((sides, i) => { const c = new Chart(boxes[i], { x: X, unit: 's', curves: sides.map((s, k) =>
    ({ side: k ? 'left' : 'right', smooth: s[0], raw: s[1], sd: X.map(() => 3) })) }); c.show(0, X.at(-1));
    return c; });
document.body.offsetHeight;
window.drawn = performance.now() - started;
window.move = async (at) => { charts.forEach((c) => c.moveTo(at)); document.body.offsetHeight; };
"""
PLOTLY = """
T.forEach((_, i) => { const p = document.createElement('div'); p.id = 'f' + i; p.style.width = '560px';
    p.style.height = '190px'; document.body.append(p); });
const started = performance.now();
const line = (y, more) => ({ x: X, y, mode: 'lines', ...more });
Promise.all(T.map((sides, i) => Plotly.newPlot('f' + i, sides.flatMap(([smooth, raw]) => [
    line(smooth.map((v) => v - 3), { line: { width: 0 } }), line(smooth.map((v) => v + 3), { fill: 'tonexty' }),
    line(raw, { opacity: 0.5 }), line(smooth)])))).then(() => { window.drawn = performance.now() - started; });
window.move = async (at) => { for (const i of T.keys()) await Plotly.relayout('f' + i,
    { shapes: [{ type: 'line', x0: at, x1: at, y0: 0, y1: 1, yref: 'paper' }] }); };
"""


def main() -> None:
    frames = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    rng = np.random.default_rng(0)
    time_s = np.arange(frames) / 30
    smooth = 30 * np.sin(5 * time_s + rng.uniform(0, 6, (CHARTS, 2, 1)))
    curves = np.stack([smooth, smooth + rng.normal(0, 1, smooth.shape)], 2).round(2).tolist()
    data = f"const X = {json.dumps(time_s.round(3).tolist())}, T = {json.dumps(curves)};"
    scripts = {"ours": resources.files("skelvid.report").joinpath("assets", "charts.js").read_text() + data + OURS}
    if util.find_spec("plotly"):
        library = resources.files("plotly").joinpath("package_data", "plotly.min.js").read_text()
        scripts["plotly"] = f"{library};{data}{PLOTLY}"
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        found = {name: measure(browser, script) for name, script in scripts.items()}
    for name, (size_mb, drawn_ms, move_ms) in found.items():
        ratio = drawn_ms / found["ours"][1], move_ms / found["ours"][2]
        print(
            f"{name:7s} page {size_mb:5.2f} MB, {CHARTS} charts of {frames} frames drawn in {drawn_ms:7.0f} ms "
            f"(x {ratio[0]:.1f}), cursor moved in {move_ms:6.1f} ms (x {ratio[1]:.1f})"
        )


def measure(browser: Browser, script: str) -> tuple[float, float, float]:
    """Return the size of a page, MB, how long it takes to draw and to move the cursor, ms."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(300_000)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        path.write_text(f"<!doctype html><meta charset=utf-8><body><script>{script}</script>", encoding="utf-8")
        page.goto(path.as_uri())
        page.wait_for_function("window.drawn")
        moved: Any = page.evaluate(
            f"async () => {{ const a = performance.now(); for (let k = 1; k <= {MOVES}; k++) await move(k / {MOVES});"
            f" return (performance.now() - a) / {MOVES}; }}"
        )
        return path.stat().st_size / 1e6, float(page.evaluate("drawn")), float(moved)


if __name__ == "__main__":
    main()
