// The backend of the real window. The only file that imports @tauri-apps.
import { invoke } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";
import { writeText } from "@tauri-apps/plugin-clipboard-manager";
import { load, type Store } from "@tauri-apps/plugin-store";
import { asFailure, type Backend, defaultPreferences, type Preferences } from "./backend";

let store: Promise<Store> | undefined;

function preferencesFile(): Promise<Store> {
  store ??= load("preferences.json", { defaults: { ...defaultPreferences }, autoSave: true });
  return store;
}

export const tauriBackend: Backend = {
  async call(name, request) {
    try {
      return await invoke(name, { request });
    } catch (reason) {
      throw asFailure(reason);
    }
  },

  on(event, handler) {
    let over = false;
    let stop = () => {};
    listen(event, (message) => handler(message.payload as Parameters<typeof handler>[0])).then((unlisten) => {
      // Unsubscribed before the shell answered: the listener must not outlive its owner.
      if (over) unlisten();
      else stop = unlisten;
    });
    return () => {
      over = true;
      stop();
    };
  },

  preferences: {
    async load() {
      const file = await preferencesFile();
      const saved = Object.fromEntries(await file.entries()) as Partial<Preferences>;
      return { ...defaultPreferences, ...saved };
    },
    async save(preferences) {
      const file = await preferencesFile();
      for (const [name, value] of Object.entries(preferences)) await file.set(name, value);
    },
  },

  clipboard: { write: (text) => writeText(text) },
};
