// Theme, language, last view: applied at once, saved as they change.
import { create } from "zustand";
import { asFailure, backend, defaultPreferences, type Preferences } from "../../ipc/backend";
import { speak, systemLanguage } from "../i18n";
import { useToasts } from "./toasts";

interface PreferencesState extends Preferences {
  load: () => Promise<void>;
  set: (change: Partial<Preferences>) => Promise<void>;
}

const only = (state: Preferences): Preferences => {
  const { theme, language, lastView, vim, snippets, tree, treeWidth } = state;
  return { theme, language, lastView, vim, snippets, tree, treeWidth };
};

export const usePreferences = create<PreferencesState>((set, get) => ({
  ...defaultPreferences,
  load: async () => {
    const saved = await backend().preferences.load();
    set(only(saved));
    apply(saved);
  },
  set: async (change) => {
    const before = only(get());
    set(change);
    apply(get());
    try {
      await backend().preferences.save(only(get()));
    } catch (reason) {
      // A choice that will not be there tomorrow must not look as if it would.
      set(before);
      apply(before);
      useToasts.getState().fail(asFailure(reason));
    }
  },
}));

function apply({ theme, language }: Preferences): void {
  const root = document.documentElement;
  // Without the attribute tokens.css follows the system.
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  speak(language === "system" ? systemLanguage() : language);
}
