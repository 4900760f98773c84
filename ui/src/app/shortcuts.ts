// The keys that work everywhere. A view's own keys live in that view.
import { useEffect } from "react";
import { isComposing } from "../lib/ime";
import { isMac } from "../lib/platform";
import { useNavigation, views } from "../lib/state/navigation";

export function useShortcuts(signedIn: boolean): void {
  useEffect(() => {
    if (!signedIn) return;
    const onKey = (event: KeyboardEvent) => {
      const mod = isMac ? event.metaKey : event.ctrlKey;
      if (!mod || event.altKey || event.shiftKey || isComposing(event)) return;
      const navigation = useNavigation.getState();
      const view = views[Number(event.key) - 1];
      if (event.key.toLowerCase() === "k") navigation.setPalette(!navigation.paletteOpen);
      else if (event.key.toLowerCase() === "b") navigation.toggleRail();
      else if (event.key.toLowerCase() === "p") navigation.startProxy(true);
      else if (/^[1-9]$/.test(event.key) && view) navigation.go(view);
      else return;
      event.preventDefault();
    };
    // Capture: the SQL editor has bindings of its own on some of these.
    window.addEventListener("keydown", onKey, true);
    return () => window.removeEventListener("keydown", onKey, true);
  }, [signedIn]);
}
