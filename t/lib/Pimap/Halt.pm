package Pimap::Halt;

# Stops or kills a worker that has begun to read or to change the shared zone.
# nginx has to be started with env().

use strict;
use warnings;

use POSIX qw(SIGKILL SIGSTOP);


# A checker is preloaded, too.

sub possible { return !$ENV{PIMAP_ASAN} && !$ENV{PIMAP_VALGRIND} }


sub new {
    my ($class, $t) = @_;

    my $self = bless({ t => $t, library => $t->dir() . '/halt.so',
        file => $t->dir() . '/halt' }, $class);

    system('cc', '-shared', '-fPIC', '-O1', '-Wall', '-o', $self->{library},
        $t->root() . '/t/lib/halt.c') == 0
        or die "halt.c does not compile\n";

    return $self;
}


sub env {
    my ($self) = @_;
    return (LD_PRELOAD => $self->{library}, HALT_FILE => $self->{file});
}


sub stop { return $_[0]->_arm(SIGSTOP) }
sub kill { return $_[0]->_arm(SIGKILL) }


sub _arm {
    my ($self, $signal) = @_;

    $self->{t}->write_file("$self->{file}.new", $signal);
    rename("$self->{file}.new", $self->{file}) or die "$self->{file}: $!\n";
}


# The processes of nginx that are stopped now.

sub stopped {
    my ($self) = @_;

    return grep {
        $self->{t}->read_file("/proc/$_/stat") =~ /^\d+ \(.*\) T /
    } $self->{t}->nginx()->{process}->group();
}


1;
