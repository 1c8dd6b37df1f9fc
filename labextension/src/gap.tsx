import type { CommandRegistry } from '@lumino/commands';
import * as React from 'react';

import { CommandIDs } from './commands';
import type { Doer } from './doing';
import { labIcon } from './icons';
import type { Labs } from './kernels';

interface Props {
  labs: Labs;
  error: string;
  commands: CommandRegistry;
  doer: Doer;
}

/** What stands where no lab can be shown: why, and the one thing to do about it. */
export function Gap({ labs, error, commands, doer }: Props): React.JSX.Element {
  const { panel, current } = labs;
  if (!panel) {
    return (
      <Told title="No notebook is open">
        <p>The sidebar shows the lab of the notebook that you work in.</p>
        <Button label="New notebook" onClick={() => commands.execute(CommandIDs.newNotebook)} />
      </Told>
    );
  }
  if (!current) {
    return (
      <Told title="No kernel">
        <p>This notebook has no kernel. The lab runs in a Python kernel.</p>
        <Button
          label="Choose a kernel"
          onClick={() => commands.execute('notebook:change-kernel')}
        />
      </Told>
    );
  }
  if (current.kernel.status === 'dead') {
    return (
      <Told title="The kernel died">
        <p>What its lab keeps on disk is still there. Restart the kernel, and load it again.</p>
        <Button
          label="Restart the kernel"
          onClick={() => commands.execute('notebook:restart-kernel')}
        />
      </Told>
    );
  }
  if (error) {
    return (
      <Told title="The lab did not answer">
        <p className="mxl-error" role="alert">
          {error}
        </p>
      </Told>
    );
  }
  if (current.reach === 'absent') {
    return (
      <Told title="Not loaded in this notebook">
        <p>
          Load the extension, and extractors, buckets and collections of this notebook&apos;s lab
          are here.
        </p>
        <Button label="Load Mixpeek Lab" onClick={() => doer.write('%load_ext mixpeek_lab', true)} />
        <code className="mxl-code">%load_ext mixpeek_lab</code>
      </Told>
    );
  }
  return (
    <Told title="Looking for the lab …">
      <p role="status">A kernel that runs a cell may answer after it.</p>
    </Told>
  );
}

function Told(props: { title: string; children: React.ReactNode }): React.JSX.Element {
  return (
    <div className="mxl-gap">
      <labIcon.react tag="div" className="mxl-gap-icon" width="40px" height="40px" />
      <h2>{props.title}</h2>
      {props.children}
    </div>
  );
}

function Button(props: { label: string; onClick: () => void }): React.JSX.Element {
  return (
    <button className="jp-mod-styled jp-mod-accept mxl-main" onClick={props.onClick}>
      {props.label}
    </button>
  );
}
