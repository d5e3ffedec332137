from graphics import usage_data

usage_data.switch_off()
