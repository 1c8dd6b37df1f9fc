import { LabIcon } from '@jupyterlab/ui-components';

const FLASK =
  'M9 2h6a1 1 0 0 1 0 2v4.7l5.3 9A3 3 0 0 1 17.7 22H6.3a3 3 0 0 1-2.6-4.3l5.3-9V4a1 1 0 0 1 0-2z' +
  'm2 2v5.3L5.4 18.8A1 1 0 0 0 6.3 20h11.4a1 1 0 0 0 .9-1.2L13 9.3V4z';
const FOUND =
  '<circle cx="10" cy="16.5" r="1.6"/><circle cx="14.6" cy="17" r="1.1"/>' +
  '<circle cx="12.6" cy="13.2" r="1"/>';

const svg = (colours: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 24 24">` +
  `<g ${colours}><path d="${FLASK}"/>${FOUND}</g></svg>`;

/** A flask with what is found in it. */
export const labIcon = new LabIcon({
  name: 'mixpeek-lab:icon',
  svgstr: svg('class="jp-icon3 jp-icon-selectable" fill="#616161"')
});

/** The same for the launcher's cards of notebooks, which take an address. */
export const cardIcon = `data:image/svg+xml,${encodeURIComponent(svg('fill="#1976d2"'))}`;
