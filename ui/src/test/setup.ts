import { cleanup } from "@testing-library/react";
import { afterEach } from "vitest";
import { startTranslations } from "../lib/i18n";

startTranslations("en");
afterEach(cleanup);

// jsdom lays nothing out. The editor asks where text is, the grid how wide it is: both have an answer for "nowhere".
Range.prototype.getClientRects = () => [] as unknown as DOMRectList;
Range.prototype.getBoundingClientRect = () => new DOMRect();
HTMLCanvasElement.prototype.getContext = () => null;
