# Exchanges every pair of names in a volume, over and over: a directory for a link that leads out of any root.
# argv: pairs A:B of paths. renameat2(2) with RENAME_EXCHANGE, so that there is always one of the two.
my @pairs = map { [split /:/] } @ARGV;
print "swapping\n";
while (1) { for (@pairs) { my ($one, $other) = @$_; sys('renameat2', -100, $one, -100, $other, 2) } }
