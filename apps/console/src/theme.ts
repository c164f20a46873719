/** One accent, one radius, system fonts. The variables are in theme.css, a file: no style is written into the page. */
import { createTheme, type MantineColorsTuple } from '@mantine/core';

/** The same values as in theme.css, for what Mantine computes itself. */
const brand: MantineColorsTuple = [
  '#e8f5f6',
  '#d3e8ea',
  '#a5d1d5',
  '#74b8be',
  '#4ca3aa',
  '#2f929a',
  '#14808a',
  '#0b6b75',
  '#08575f',
  '#05444b',
];

export const theme = createTheme({
  primaryColor: 'brand',
  primaryShade: { light: 7, dark: 6 },
  colors: { brand },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
});
