// What concerns the SQL editor: keys of vim, and a person's own snippets.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Icon } from "../../components/Icon";
import { builtIn } from "../../lib/snippets";
import { usePreferences } from "../../lib/state/preferences";
import { Setting } from "./Setting";

export function EditorSettings() {
  const { t } = useTranslation();
  const vim = usePreferences((state) => state.vim);
  const set = usePreferences((state) => state.set);
  return (
    <>
      <h2>{t("settings.editor")}</h2>
      <Setting label={t("settings.vim")} hint={t("settings.vimHint")}>
        <button
          type="button"
          role="switch"
          aria-checked={vim}
          aria-label={t("settings.vim")}
          className={vim ? "switch is-on" : "switch"}
          onClick={() => void set({ vim: !vim })}
          data-testid="vim"
        />
      </Setting>
      <Setting label={t("settings.snippets")} hint={t("settings.snippetsHint")} />
      <Snippets />
    </>
  );
}

function Snippets() {
  const { t } = useTranslation();
  const snippets = usePreferences((state) => state.snippets);
  const set = usePreferences((state) => state.set);
  const [name, setName] = useState("");
  const [text, setText] = useState("");
  const ready = /^[\p{L}_][\p{L}\p{N}_]*$/u.test(name) && text.trim() !== "";
  const add = () => {
    void set({ snippets: [...snippets.filter((other) => other.name !== name), { name, text }] });
    setName("");
    setText("");
  };
  const hidden = new Set(snippets.map((own) => own.name));
  return (
    <div className="snips">
      <ul className="snips__list">
        {snippets.map((own) => (
          <li className="snips__one" key={own.name} data-testid={`snippet-${own.name}`}>
            <span className="mono">{own.name}</span>
            <span className="mono dim clip" title={own.text}>
              {own.text.split("\n").join(" ")}
            </span>
            <button
              type="button"
              className="btn btn--sm btn--ghost btn--icon"
              aria-label={t("settings.snippetRemove", { name: own.name })}
              title={t("settings.snippetRemove", { name: own.name })}
              onClick={() => void set({ snippets: snippets.filter((other) => other.name !== own.name) })}
            >
              <Icon name="x" />
            </button>
          </li>
        ))}
        {builtIn
          .filter((one) => !hidden.has(one.name))
          .map((one) => (
            <li className="snips__one" key={one.name}>
              <span className="mono">{one.name}</span>
              <span className="mono dim clip" title={one.text}>
                {one.text.split("\n").join(" ")}
              </span>
              <span className="faint">{t("settings.builtIn")}</span>
            </li>
          ))}
      </ul>
      <form
        className="snips__new"
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) add();
        }}
      >
        <input
          className="input input--sm mono"
          value={name}
          placeholder={t("settings.snippetName")}
          aria-label={t("settings.snippetName")}
          spellCheck={false}
          onChange={(event) => setName(event.target.value)}
          data-testid="snippet-name"
        />
        <textarea
          className="input mono"
          rows={3}
          value={text}
          placeholder={t("settings.snippetText")}
          aria-label={t("settings.snippetText")}
          spellCheck={false}
          onChange={(event) => setText(event.target.value)}
          data-testid="snippet-text"
        />
        <button type="submit" className="btn btn--sm" disabled={!ready} data-testid="snippet-add">
          {t("settings.snippetAdd")}
        </button>
      </form>
    </div>
  );
}
