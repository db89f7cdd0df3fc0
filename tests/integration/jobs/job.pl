# SPDX-License-Identifier: MIT
# A job for perl.
use strict;
use warnings;
use POSIX qw(strftime floor fmod strtod);
use List::Util qw(sum reduce);
use Digest::SHA qw(sha1_hex);
use Encode qw(encode decode);
use Time::Local qw(timegm);

my $seed = 12345;
sub draw { $seed = ($seed * 1103515245 + 12345) % 2147483648; return $seed % $_[0]; }
my @words = map { join '', map { chr(97 + draw(7)) } 1 .. 2 + draw(6) } 1 .. 4000;
my %count;
$count{$_}++ for @words;
my @top = sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count;
printf "%-8s %5d\n", $_, $count{$_} for @top[0 .. 4];
print sha1_hex(join ' ', sort @words), "\n";
print join(',', map { sprintf '%.6f', sin($_) * exp(-$_ / 9) + sqrt($_) + log(1 + $_) } 0 .. 20), "\n";
print join(' ', unpack('H*', pack('NnCa5d', 1e9, 513, 7, 'abc', 0.5))), "\n";
my $text = join ' ', @words;
my $n = () = $text =~ /\b(\w)\w*\1\b/g;
(my $changed = substr $text, 0, 60) =~ s/([aeiou])(\w)/\U$2\E$1/g;
print "$n $changed\n";
print strftime('%Y-%m-%d %H:%M:%S', gmtime(timegm(1, 2, 3, 29, 1, 2024))), ' ', floor(-2.5), ' ',
    fmod(7, 3), ' ', (strtod('0x1p4z'))[0], "\n";
print length(encode('UTF-8', "\x{e4}\x{20ac}")), ' ', length(decode('UTF-8', "\xc3\xa4")), "\n";
open my $out, '>', 'words.txt' or die $!;
print {$out} "$_\n" for @words;
close $out;
open my $in, '<', 'words.txt' or die $!;
my $sum = 0;
while (my $line = <$in>) { chomp $line; $sum += length $line; }
close $in;
print "$sum ", -s 'words.txt', ' ', join(' ', glob('*.txt')), "\n";
my $pid = open my $pipe, '-|';
if (!$pid) { print sum(map { length } @words), "\n"; exit 7; }
print 'child: ', <$pipe>;
close $pipe;
print $? >> 8, ' ', `echo from the shell; exit 3`, $? >> 8, "\n";
eval { die { code => 5 } };
print "$@->{code} ", reduce { $a * $b } 1 .. 15;
print "\n";
open my $missing, '<', '/nonexistent' or print "$!\n";
exit 5;
