/** Seen on light and on dark pages. */
export const colours = { se: "#d9822b", launch: "#4e79a7" };
