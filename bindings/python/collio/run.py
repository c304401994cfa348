"""python -m collio.run: the same as python -m collio, for those used to this name."""

from .__main__ import main

if __name__ == "__main__":
    raise SystemExit(main())
