"""``datavault scan`` and ``datavault anonymize``: offline, in all cores, in bounded memory.

``inputs`` says what is read and ``pieces`` cuts it; ``workers`` has pieces examined side by side
and hands back the results in order; what is told of them is in ``reports`` and ``sarif``. No
value that was found leaves a worker unless somebody asked for values.
"""
