import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

export interface Values {
  actions: 'run' | 'insert';
  languages: boolean;
  findings: boolean;
  findingsDelay: number;
  statusBar: boolean;
}

/** As in schema/lab.json: what holds until the registry has answered, or where there is none. */
export const DEFAULTS: Readonly<Values> = {
  actions: 'run',
  languages: true,
  findings: true,
  findingsDelay: 800,
  statusBar: true
};

/** The user's settings, as they are now. */
export class Settings {
  constructor(id: string, registry: ISettingRegistry | null) {
    registry
      ?.load(id)
      .then(settings => {
        this._read = key => settings.get(key).composite as Values[typeof key] | undefined;
        settings.changed.connect(() => this._changed.emit());
        this._changed.emit();
      })
      .catch((reason: unknown) => console.error('Settings of Mixpeek Lab:', reason));
  }

  get<K extends keyof Values>(key: K): Values[K] {
    return (this._read(key) as Values[K] | undefined) ?? DEFAULTS[key];
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  private _read: (key: keyof Values) => Values[keyof Values] | undefined = () => undefined;
  private readonly _changed = new Signal<this, void>(this);
}
