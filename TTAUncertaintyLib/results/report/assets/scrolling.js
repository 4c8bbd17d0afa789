// Slices through the volumes that lie in the page, drawn by NiiVue. Without WebGL, and where
// anything fails, the page stays what it is without this program.

const NIFTI_HEADER = 352;
const RGBA = { code: 2304, bits: 32 };
/** Below colours an image is as dark as in the page's pictures. */
const UNDER = 0.72;

const element = (id) => document.getElementById(`look-${id}`);
const facts = JSON.parse(element("facts").textContent);
const names = ["image", "map", "opacity", "threshold"];
const controls = Object.fromEntries(names.map((name) => [name, element(name)]));
const canvas = document.querySelector("#look canvas");

/** What lies in the page under a name, packed with gzip. */
async function unpacked(name) {
  const letters = atob(element(name).textContent);
  const packed = new Blob([Uint8Array.from(letters, (letter) => letter.charCodeAt(0))]);
  const stream = packed.stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

async function library() {
  const text = new Blob([await unpacked("niivue")], { type: "text/javascript" });
  const address = URL.createObjectURL(text);
  try {
    return await import(address);
  } finally {
    URL.revokeObjectURL(address);
  }
}

/** The file of a volume of colours on the grid of another one. */
function colorFile(file) {
  const voxels = (file.byteLength - NIFTI_HEADER) / Int16Array.BYTES_PER_ELEMENT;
  const made = new Uint8Array(NIFTI_HEADER + (voxels * RGBA.bits) / 8);
  made.set(new Uint8Array(file, 0, NIFTI_HEADER));
  const header = new DataView(made.buffer);
  header.setInt16(70, RGBA.code, true);
  header.setInt16(72, RGBA.bits, true);
  return made.buffer;
}

class Look {
  constructor(niivue, images, levels, marks, colors) {
    this.niivue = niivue;
    this.images = images; // by name, NVImage
    this.levels = levels; // of the maps, by name, Int16Array
    this.marks = marks; // by name, Uint8Array
    this.colors = colors; // NVImage
  }

  static async open() {
    const { Niivue, NVImage, SHOW_RENDER, MULTIPLANAR_TYPE, DRAG_MODE } = await library();
    const niivue = new Niivue({
      logLevel: "error",
      loadingText: "",
      isRadiologicalConvention: true,
      sagittalNoseLeft: true,
      multiplanarLayout: MULTIPLANAR_TYPE.AUTO,
      multiplanarShowRender: SHOW_RENDER.NEVER,
      multiplanarPadPixels: 8,
      crosshairColor: [0.5, 0.89, 1, 0.8],
      crosshairWidth: 0.35,
      crosshairWidthUnit: "percent",
      crosshairGap: 8,
      fontColor: [0.96, 0.96, 0.95, 1],
      showAllOrientationMarkers: true,
      dragMode: DRAG_MODE.none,
      dragAndDropEnabled: false,
      scrollRequiresFocus: true,
      viewModeHotKey: "",
      clipPlaneHotKey: "",
      cycleClipPlaneHotKey: "",
    });
    await niivue.attachToCanvas(canvas);
    const images = {};
    for (const name of Object.keys(facts.images)) {
      const file = await unpacked(`volume-${name}`);
      images[name] = await NVImage.new(file, `${name}.nii`, "gray", 1, null, 0, 255);
    }
    const levels = {};
    const marks = {};
    let colors;
    for (const [name, map] of Object.entries(facts.maps)) {
      const file = await unpacked(`volume-${name}`);
      levels[name] = new Int16Array(file, NIFTI_HEADER);
      colors ??= await NVImage.new(colorFile(file), "colors.nii");
      if (map.mark !== null) {
        marks[map.mark.name] ??= new Uint8Array(
          await unpacked(`volume-${map.mark.name}`),
          NIFTI_HEADER,
        );
      }
    }
    return new Look(niivue, images, levels, marks, colors);
  }

  get map() {
    return facts.maps[controls.map.value];
  }

  /** Where the slider of the threshold stands, from one end of the legend to the other. */
  get threshold() {
    return this.map.top === null ? 0 : controls.threshold.value / 100;
  }

  show() {
    const { map, niivue } = this;
    const image = this.images[controls.image.value];
    image.opacity = map ? UNDER : 1;
    controls.opacity.disabled = !map;
    controls.threshold.disabled = !map || map.top === null;
    controls.opacity.nextElementSibling.value = `${controls.opacity.value}\u00a0%`;
    controls.threshold.nextElementSibling.value = controls.threshold.disabled
      ? ""
      : written(map, this.threshold * map.top);
    niivue.volumes = [image];
    if (map) {
      this.paint(map);
      this.colors.opacity = controls.opacity.value / 100;
      niivue.volumes.push(this.colors);
    }
    niivue.setVolume(image, 0); // below all others; draws
    for (const legend of document.querySelectorAll("#look [data-map]")) {
      legend.hidden = legend.dataset.map !== controls.map.value;
    }
    this.tellCrosshair();
  }

  /** Give every voxel the colour and the opacity that the page's pictures have. */
  paint(map) {
    const levels = this.levels[controls.map.value];
    const words = facts.tables[map.table].map((rgba) => word(rgba));
    const marked = map.mark === null ? null : this.marks[map.mark.name];
    const mark = map.mark === null ? 0 : word(map.mark.rgba);
    const least = 1 + this.threshold * facts.levels;
    const painted = new Uint32Array(this.colors.img.buffer, this.colors.img.byteOffset);
    for (let voxel = 0; voxel < levels.length; voxel += 1) {
      const level = levels[voxel];
      if (level === 0 || level < least) painted[voxel] = 0;
      else if (marked !== null && marked[voxel]) painted[voxel] = mark;
      else painted[voxel] = words[Math.min(255, Math.round(((level - 1) / facts.levels) * 255))];
    }
  }

  goTo(ras) {
    this.niivue.scene.crosshairPos = this.niivue.mm2frac(ras, 0, true);
    this.niivue.drawScene();
    this.tellCrosshair();
  }

  tellCrosshair() {
    element("crosshair").textContent = this.told(this.niivue.scene.crosshairPos);
  }

  tellPointer(event) {
    const box = canvas.getBoundingClientRect();
    const ratio = this.niivue.uiData.dpr;
    const at = [(event.clientX - box.left) * ratio, (event.clientY - box.top) * ratio];
    const fraction = this.niivue.canvasPos2frac(at);
    element("pointer").textContent = fraction[0] < 0 ? "" : this.told(fraction);
  }

  /** "R 21, P 64, S 58 mm: 1.24 mm" for a place as shares of the image's sides. */
  told(fraction) {
    const place = Array.from(this.niivue.frac2mm(fraction, 0, true)).slice(0, 3);
    const letters = ["LR", "PA", "IS"];
    const where = place
      .map((mm, axis) => `${letters[axis][Number(mm >= 0)]}\u00a0${Math.abs(mm).toFixed(0)}`)
      .join(", ");
    const value = this.map && this.valueAt(place);
    if (value === undefined) return `${where}\u00a0mm`;
    return `${where}\u00a0mm: ${value === null ? "no estimate" : written(this.map, value)}`;
  }

  /** The map's value at a place in RAS mm, in its unit; null where there is none. */
  valueAt(place) {
    const [width, height, depth] = this.colors.hdr.dims.slice(1, 4);
    const [i, j, k] = Array.from(this.colors.mm2vox(place));
    if (!(i >= 0 && j >= 0 && k >= 0 && i < width && j < height && k < depth)) return null;
    const level = this.levels[controls.map.value][i + width * (j + height * k)];
    if (level === 0) return null;
    const along = (level - 1) / facts.levels;
    return this.map.top === null ? this.map.factor ** (2 * along - 1) : along * this.map.top;
  }
}

/** A colour as it lies in the memory of every computer that has a browser. */
const word = ([r, g, b, a]) => ((a << 24) | (b << 16) | (g << 8) | r) >>> 0;
const written = (map, value) => `${value.toFixed(2)}\u00a0${map.unit}`.trim();

function fillControls() {
  for (const [name, title] of Object.entries(facts.images)) {
    controls.image.add(new Option(title, name));
  }
  for (const [name, { title }] of Object.entries(facts.maps)) {
    controls.map.add(new Option(title, name));
  }
  controls.map.add(new Option("None", ""));
  controls.map.value = facts.first in facts.maps ? facts.first : "";
}

async function start() {
  if (document.createElement("canvas").getContext("webgl2") === null) return;
  fillControls();
  document.documentElement.classList.add("living"); // before NiiVue asks for the canvas's size
  const look = await Look.open();
  look.niivue.onLocationChange = () => look.tellCrosshair();
  look.show();
  look.goTo(facts.focus);
  for (const control of Object.values(controls)) {
    control.addEventListener("input", () => look.show());
  }
  canvas.addEventListener("mousemove", (event) => look.tellPointer(event));
  canvas.addEventListener("mouseleave", () => element("pointer").replaceChildren());
  for (const button of document.querySelectorAll("[data-ras]")) {
    button.addEventListener("click", () => {
      look.goTo(button.dataset.ras.split(",").map(Number));
      document.getElementById("look").scrollIntoView({ block: "nearest" });
    });
  }
}

start().catch((problem) => {
  console.error(problem);
  document.documentElement.classList.remove("living");
});
