package Bench::Sysctl;

# Settings of the kernel for the time of a run.  The old values are restored at
# the end, except after SIGKILL.

use strict;
use warnings;

my @saved;

# Raises a setting, unless it is high enough already.

sub raise {
    my ($name, @values) = @_;

    my $path = '/proc/sys/' . $name =~ tr{.}{/}r;
    my $before = get($path) // die "no sysctl $name\n";
    my @before = split ' ', $before;

    return unless grep { $before[$_] < $values[$_] } 0 .. $#values;

    push @saved, [$path, $before];
    put($path, "@values")
        or die "cannot set $name=@values ($!): set it, or be root\n";

    return "$name = @values (was @before)";
}

sub get {
    my ($path) = @_;

    open my $fh, '<', $path or return;

    return readline $fh;
}

sub put {
    my ($path, $value) = @_;

    open my $fh, '>', $path or return;

    return print({$fh} "$value\n") && close $fh;
}

END {
    local $?;

    while (my $saved = pop @saved) {
        put(@$saved) or warn "cannot put back $saved->[0]: $!\n";
    }
}

1;
