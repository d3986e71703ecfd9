import sys

from seviz.cli import main

sys.exit(main())
