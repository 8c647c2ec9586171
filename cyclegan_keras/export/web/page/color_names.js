// Colors in words, for those who do not see them.

const HUES = [
  [15, "red"],
  [42, "orange"],
  [70, "yellow"],
  [160, "green"],
  [200, "turquoise"],
  [255, "blue"],
  [290, "purple"],
  [345, "pink"],
  [361, "red"],
]; // up to which angle of the color wheel, in degrees
const GRAY_CHROMA = 0.12; // below this share of 255, a color is gray

/**
 * Names a color.
 *
 * @param {[number, number, number]} color red, green and blue from 0 to 255.
 * @returns {{hue: string, shade: "light" | "dark" | null}} hue: one of black, white, gray, brown, red,
 *   orange, yellow, green, turquoise, blue, purple, pink.
 */
export function nameColor([red, green, blue]) {
  const high = Math.max(red, green, blue) / 255;
  const low = Math.min(red, green, blue) / 255;
  const chroma = high - low;
  const lightness = (high + low) / 2;
  if (chroma < GRAY_CHROMA) {
    return nameGray(lightness);
  }
  const angle = hueAngle(red / 255, green / 255, blue / 255, high, chroma);
  let hue = HUES.find(([end]) => angle < end)[1];
  if (hue === "orange" && lightness < 0.35) {
    return { hue: "brown", shade: null };
  }
  if (hue === "pink" && lightness < 0.4) {
    hue = angle < 320 ? "purple" : "red"; // pink is never dark
  }
  if (lightness < 0.3) {
    return { hue, shade: "dark" };
  }
  return { hue, shade: lightness > 0.68 ? "light" : null };
}

function nameGray(lightness) {
  if (lightness < 0.1) {
    return { hue: "black", shade: null };
  }
  if (lightness > 0.9) {
    return { hue: "white", shade: null };
  }
  if (lightness < 0.35) {
    return { hue: "gray", shade: "dark" };
  }
  return { hue: "gray", shade: lightness > 0.65 ? "light" : null };
}

/** The angle on the color wheel: 0 is red, 120 green, 240 blue. */
function hueAngle(red, green, blue, high, chroma) {
  let sixth = (red - green) / chroma + 4;
  if (high === red) {
    sixth = (green - blue) / chroma + 6;
  } else if (high === green) {
    sixth = (blue - red) / chroma + 2;
  }
  return (sixth * 60) % 360;
}
