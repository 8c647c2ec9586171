// Sheets to draw on: one whose every pixel is a color of a palette, and one for smooth lines.

/**
 * A sheet for label maps. It knows which color of its palette each pixel has, so that no border is blurred.
 *
 * Points are in px from the left and upper border, and may lie outside.
 */
export class LabelSheet {
  /**
   * @param {HTMLCanvasElement} canvas shows the sheet.
   * @param {[number, number, number][]} palette red, green and blue from 0 to 255; at most 256 colors, the
   *   first of which is the background.
   */
  constructor(canvas, palette) {
    this.canvas = canvas;
    this.palette = palette;
    this.width = canvas.width;
    this.height = canvas.height;
    this.labels = new Uint8Array(this.width * this.height);
    const bytes = new Uint8Array(palette.flatMap((color) => [...color, 255]));
    this.words = new Uint32Array(bytes.buffer); // each color as a pixel lies in memory
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    this.show();
  }

  /** Makes all of it background. */
  clear() {
    this.labels.fill(0);
    this.show();
  }

  /**
   * Draws a straight stroke with a round pen.
   *
   * @param {{x: number, y: number}} start
   * @param {{x: number, y: number}} end the same for a dot.
   * @param {number} size of the pen in px, a whole number from 1.
   * @param {number} label of the palette.
   */
  stroke(start, end, size, label) {
    const from = onGrid(start, size);
    const to = onGrid(end, size);
    const radius = size / 2;
    const left = Math.max(0, Math.floor(Math.min(from.x, to.x) - radius));
    const right = Math.min(this.width - 1, Math.ceil(Math.max(from.x, to.x) + radius));
    const top = Math.max(0, Math.floor(Math.min(from.y, to.y) - radius));
    const bottom = Math.min(this.height - 1, Math.ceil(Math.max(from.y, to.y) + radius));
    for (let y = top; y <= bottom; y += 1) {
      for (let x = left; x <= right; x += 1) {
        if (distanceToSegment(x + 0.5, y + 0.5, from, to) <= radius) {
          this.labels[y * this.width + x] = label;
        }
      }
    }
    this.show();
  }

  /**
   * Draws a filled rectangle. Both corners' pixels belong to it.
   *
   * @param {{x: number, y: number}} start
   * @param {{x: number, y: number}} end
   * @param {number} size of the pen, which does not matter here.
   * @param {number} label of the palette.
   */
  rectangle(start, end, size, label) {
    const left = Math.max(0, Math.floor(Math.min(start.x, end.x)));
    const right = Math.min(this.width - 1, Math.floor(Math.max(start.x, end.x)));
    const top = Math.max(0, Math.floor(Math.min(start.y, end.y)));
    const bottom = Math.min(this.height - 1, Math.floor(Math.max(start.y, end.y)));
    for (let y = top; y <= bottom; y += 1) {
      for (let x = left; x <= right; x += 1) {
        this.labels[y * this.width + x] = label;
      }
    }
    this.show();
  }

  /**
   * Fills the area of one color around a point. Areas that touch at corners alone are apart.
   *
   * @param {{x: number, y: number}} point inside the sheet; outside of it nothing happens.
   * @param {number} label of the palette.
   */
  fill(point, label) {
    const x = Math.floor(point.x);
    const y = Math.floor(point.y);
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) {
      return;
    }
    const old = this.labels[y * this.width + x];
    if (old === label) {
      return;
    }
    const waiting = [y * this.width + x];
    while (waiting.length > 0) {
      const index = waiting.pop();
      if (this.labels[index] !== old) {
        continue;
      }
      this.labels[index] = label;
      const column = index % this.width;
      if (column > 0) {
        waiting.push(index - 1);
      }
      if (column < this.width - 1) {
        waiting.push(index + 1);
      }
      if (index >= this.width) {
        waiting.push(index - this.width);
      }
      if (index < this.labels.length - this.width) {
        waiting.push(index + this.width);
      }
    }
    this.show();
  }

  /** Draws one patch for each color but the background: it shows what the model makes of each. */
  drawPatches() {
    this.labels.fill(0);
    const count = this.palette.length - 1;
    const columns = Math.ceil(Math.sqrt(count));
    const rows = Math.ceil(count / columns);
    const wide = this.width / columns;
    const high = this.height / rows;
    for (let number = 0; number < count; number += 1) {
      const left = Math.round((number % columns) * wide + 0.15 * wide);
      const top = Math.round(Math.floor(number / columns) * high + 0.15 * high);
      const right = left + Math.max(1, Math.round(0.7 * wide)) - 1;
      const bottom = top + Math.max(1, Math.round(0.7 * high)) - 1;
      this.rectangle({ x: left, y: top }, { x: right, y: bottom }, 1, number + 1);
    }
    this.show();
  }

  /**
   * Takes over a picture, as large as it fits, with each pixel as the nearest color of the palette.
   *
   * @param {ImageData} image opaque.
   */
  load(image) {
    const context = drawFitted(image, this.width, this.height, cssColor(this.palette[0]), false);
    const { data } = context.getImageData(0, 0, this.width, this.height);
    for (let index = 0; index < this.labels.length; index += 1) {
      const first = 4 * index;
      this.labels[index] = nearestColor(this.palette, data[first], data[first + 1], data[first + 2]);
    }
    this.show();
  }

  /**
   * Says which color a pixel has.
   *
   * @param {{x: number, y: number}} point inside the sheet.
   * @returns {number} its place in the palette.
   */
  labelAt(point) {
    return this.labels[Math.floor(point.y) * this.width + Math.floor(point.x)];
  }

  /**
   * Copies what is drawn.
   *
   * @returns {Uint8Array} for `restore`.
   */
  snapshot() {
    return this.labels.slice();
  }

  /**
   * Draws what was copied.
   *
   * @param {Uint8Array} copy of `snapshot`.
   */
  restore(copy) {
    this.labels.set(copy);
    this.show();
  }

  /** Brings the labels onto the canvas. */
  show() {
    const image = this.context.createImageData(this.width, this.height);
    const pixels = new Uint32Array(image.data.buffer);
    for (let index = 0; index < pixels.length; index += 1) {
      pixels[index] = this.words[this.labels[index]];
    }
    this.context.putImageData(image, 0, 0);
  }
}

/**
 * A sheet for lines: smooth strokes on paper. Of its palette, color 0 is the paper and color 1 the ink.
 *
 * Points are in px from the left and upper border, and may lie outside.
 */
export class LineSheet {
  /**
   * @param {HTMLCanvasElement} canvas shows the sheet.
   * @param {[number, number, number][]} palette paper and ink, red, green and blue from 0 to 255.
   */
  constructor(canvas, palette) {
    this.canvas = canvas;
    this.palette = palette;
    this.width = canvas.width;
    this.height = canvas.height;
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    this.context.lineCap = "round";
    this.context.lineJoin = "round";
    this.clear();
  }

  /** Makes all of it paper. */
  clear() {
    this.context.fillStyle = cssColor(this.palette[0]);
    this.context.fillRect(0, 0, this.width, this.height);
  }

  /**
   * Draws a straight stroke with a round pen.
   *
   * @param {{x: number, y: number}} start
   * @param {{x: number, y: number}} end the same for a dot.
   * @param {number} size of the pen in px, above 0.
   * @param {number} label 0 for paper, 1 for ink.
   */
  stroke(start, end, size, label) {
    this.context.lineWidth = size;
    this.context.strokeStyle = cssColor(this.palette[label]);
    this.context.beginPath();
    this.context.moveTo(start.x, start.y);
    this.context.lineTo(end.x, end.y);
    this.context.stroke();
  }

  /**
   * Draws the outline of a rectangle.
   *
   * @param {{x: number, y: number}} start
   * @param {{x: number, y: number}} end
   * @param {number} size of the pen in px, above 0.
   * @param {number} label 0 for paper, 1 for ink.
   */
  rectangle(start, end, size, label) {
    this.context.lineWidth = size;
    this.context.strokeStyle = cssColor(this.palette[label]);
    this.context.strokeRect(start.x, start.y, end.x - start.x, end.y - start.y);
  }

  /**
   * Takes over a picture, as large as it fits.
   *
   * @param {ImageData} image opaque.
   */
  load(image) {
    const { canvas } = drawFitted(image, this.width, this.height, cssColor(this.palette[0]), true);
    this.context.drawImage(canvas, 0, 0);
  }

  /**
   * Says whether a pixel is paper or ink.
   *
   * @param {{x: number, y: number}} point inside the sheet.
   * @returns {number} 0 for paper, 1 for ink.
   */
  labelAt(point) {
    const { data } = this.context.getImageData(Math.floor(point.x), Math.floor(point.y), 1, 1);
    return nearestColor(this.palette, data[0], data[1], data[2]);
  }

  /**
   * Copies what is drawn.
   *
   * @returns {ImageData} for `restore`.
   */
  snapshot() {
    return this.context.getImageData(0, 0, this.width, this.height);
  }

  /**
   * Draws what was copied.
   *
   * @param {ImageData} copy of `snapshot`.
   */
  restore(copy) {
    this.context.putImageData(copy, 0, 0);
  }
}

/** Moves a point to where a pen of this size covers whole pixels: a pixel's middle, or a corner. */
function onGrid({ x, y }, size) {
  const half = size % 2 === 1 ? 0.5 : 0;
  return { x: Math.round(x - half) + half, y: Math.round(y - half) + half };
}

function distanceToSegment(x, y, from, to) {
  const alongX = to.x - from.x;
  const alongY = to.y - from.y;
  const length = alongX * alongX + alongY * alongY;
  const share = length === 0 ? 0 : ((x - from.x) * alongX + (y - from.y) * alongY) / length;
  const clipped = Math.min(1, Math.max(0, share));
  return Math.hypot(x - from.x - clipped * alongX, y - from.y - clipped * alongY);
}

function nearestColor(palette, red, green, blue) {
  let nearest = 0;
  let least = Infinity;
  for (let label = 0; label < palette.length; label += 1) {
    const color = palette[label];
    const distance = (red - color[0]) ** 2 + (green - color[1]) ** 2 + (blue - color[2]) ** 2;
    if (distance < least) {
      least = distance;
      nearest = label;
    }
  }
  return nearest;
}

/** Draws a picture into the middle of a new canvas, as large as it fits. */
function drawFitted(image, width, height, background, isSmooth) {
  const whole = document.createElement("canvas");
  whole.width = image.width;
  whole.height = image.height;
  whole.getContext("2d").putImageData(image, 0, 0);
  const fitted = document.createElement("canvas");
  fitted.width = width;
  fitted.height = height;
  const context = fitted.getContext("2d", { willReadFrequently: true });
  context.fillStyle = background;
  context.fillRect(0, 0, width, height);
  context.imageSmoothingEnabled = isSmooth;
  context.imageSmoothingQuality = "high";
  const scale = Math.min(width / image.width, height / image.height);
  const wide = Math.max(1, Math.round(image.width * scale));
  const high = Math.max(1, Math.round(image.height * scale));
  context.drawImage(whole, Math.floor((width - wide) / 2), Math.floor((height - high) / 2), wide, high);
  return context;
}

function cssColor([red, green, blue]) {
  return `rgb(${red} ${green} ${blue})`;
}
