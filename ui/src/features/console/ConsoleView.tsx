import { useTranslation } from "react-i18next";
import { Empty } from "../../components/Empty";

export function ConsoleView() {
  const { t } = useTranslation();
  return <Empty icon="console" title={t("console.emptyTitle")} text={t("console.emptyText")} />;
}
