package Bench::Report;

# Tables, as text on the terminal and as Markdown in a file; Markdown is
# readable enough to be both.

use strict;
use warnings;

use Exporter qw/import/;
use POSIX qw/strftime/;

our @EXPORT_OK = qw/median/;

sub new {
    my ($class, $title) = @_;

    return bless { text => "# $title, " . strftime('%Y-%m-%d', localtime)
        . "\n" }, $class;
}

sub say {
    my ($self, $text) = @_;

    $self->{text} .= "\n$text\n";
}

sub table {
    my ($self, $title, @rows) = @_;

    my @width;

    for my $row (@rows) {
        for (0 .. $#$row) {
            my $len = length $row->[$_];
            $width[$_] = $len if $len > ($width[$_] // 2);
        }
    }

    my @lines = map { line($_, @width) } @rows;

    splice @lines, 1, 0, '|' . join('|', '-' x ($width[0] + 2),
        map { '-' x ($_ + 1) . ':' } @width[1 .. $#width]) . '|';

    $self->{text} .= ($title ? "\n## $title\n" : '') . "\n"
        . join("\n", @lines) . "\n";
}

sub line {
    my ($row, @width) = @_;

    my @cells = map { sprintf $_ ? '%*s' : '%-*s', $width[$_],
        $row->[$_] // '' } 0 .. $#width;

    return '| ' . join(' | ', @cells) . ' |';
}

sub text { return $_[0]{text} }

# A second run of a day does not overwrite the first.

sub save {
    my ($self, $dir, $suffix) = @_;

    mkdir $dir;

    my $base = "$dir/" . strftime('%Y-%m-%d', localtime) . $suffix;
    my $path = "$base.md";

    for (my $n = 2; -e $path; $n++) {
        $path = "$base-$n.md";
    }

    open my $fh, '>', $path or die "$path: $!\n";
    print $fh $self->{text};
    close $fh or die "$path: $!\n";

    return $path;
}

# 12345 as 12,345

sub number {
    my ($n) = @_;

    my $text = sprintf '%.0f', $n;
    1 while $text =~ s/^(-?\d+)(\d{3})/$1,$2/;

    return $text;
}

# The lower one of an even number.

sub median {
    my @sorted = sort { $a <=> $b } @_;

    return @sorted ? $sorted[$#sorted / 2] : 0;
}

sub kb { return sprintf '%.2f kB', $_[0] / 1000 }
sub ms { return sprintf '%.2f ms', $_[0] / 1000 }

1;
