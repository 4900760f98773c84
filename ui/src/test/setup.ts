import { cleanup } from "@testing-library/react";
import { afterEach } from "vitest";
import { startTranslations } from "../lib/i18n";

startTranslations("en");
afterEach(cleanup);
