import { LabIcon } from '@jupyterlab/ui-components';

/** A flask with what is found in it. */
export const labIcon = new LabIcon({
  name: 'mixpeek-lab:icon',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 24 24">
  <g class="jp-icon3 jp-icon-selectable" fill="#616161">
    <path d="M9 2h6a1 1 0 0 1 0 2v4.7l5.3 9A3 3 0 0 1 17.7 22H6.3a3 3 0 0 1-2.6-4.3l5.3-9V4a1 1 0 0 1 0-2zm2 2v5.3L5.4 18.8A1 1 0 0 0 6.3 20h11.4a1 1 0 0 0 .9-1.2L13 9.3V4z"/>
    <circle cx="10" cy="16.5" r="1.6"/><circle cx="14.6" cy="17" r="1.1"/><circle cx="12.6" cy="13.2" r="1"/>
  </g>
</svg>`
});
