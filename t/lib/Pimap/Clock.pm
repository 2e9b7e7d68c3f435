package Pimap::Clock;

# A clock that is some hours ahead, of a program that is started with env().
# With rate => N its timers run N times as fast.

use strict;
use warnings;


# A checker is preloaded, too.

sub possible { return !$ENV{PIMAP_ASAN} && !$ENV{PIMAP_VALGRIND} }


sub new {
    my ($class, $t, %set) = @_;

    my $library = $t->dir() . '/clock.so';

    system('cc', '-shared', '-fPIC', '-O1', '-Wall', '-o', $library,
        $t->root() . '/t/lib/clock.c') == 0
        or die "clock.c does not compile\n";

    my $self = bless({ t => $t, library => $library, %set }, $class);

    $self->ahead(0);

    return $self;
}


sub env {
    my ($self) = @_;
    return (LD_PRELOAD => $self->{library}, CLOCK_FILE => $self->_file(),
        CLOCK_RATE => $self->{rate} // 1);
}


sub ahead {
    my ($self, $hours) = @_;
    $self->{t}->write_file($self->_file(), '.' x $hours);
}


sub _file { return $_[0]{t}->dir() . '/clock' }


1;
