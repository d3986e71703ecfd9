"""The frame: `streamlit run app.py`. Navigation and theme, nothing else; every page is a file in pages/."""

from seviz.ui import frame

frame.run()
