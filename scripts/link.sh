#!/bin/sh
# Lets .venv/bin/stap run this checkout from any folder: a path file and a start script.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
site=$("$here/.venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
echo "$here" > "$site/stap-vooruit.pth"
printf '#!/bin/sh\nexec "%s/.venv/bin/python" -m bot "$@"\n' "$here" > "$here/.venv/bin/stap"
chmod +x "$here/.venv/bin/stap"
